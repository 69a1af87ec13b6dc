-- Read the leases of instances.
--   KEYS[...] presence of each instance   ARGV[1] what stands before a connection in a lease's key
-- returns the leases that stand, in no order
local leases = {}
for _, presence in ipairs(KEYS) do
  for _, connection in ipairs(redis.call('ZRANGE', presence, 0, -1)) do
    local lease = redis.call('GET', ARGV[1] .. connection)
    if lease then
      leases[#leases + 1] = lease
    end
  end
end
return leases
