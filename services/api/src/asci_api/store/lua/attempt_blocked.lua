-- Tell how long the next sign-in must wait.
--   KEYS[1] pair-wait   KEYS[2] account-wait   KEYS[3] address   KEYS[4] known addresses
--   ARGV[1] the address as it stands among the known   ARGV[2] failures that an address may have in a minute
-- returns milliseconds, 0 for now
local wait = math.max(0, redis.call('PTTL', KEYS[1]))
if redis.call('SISMEMBER', KEYS[4], ARGV[1]) == 0 then
  wait = math.max(wait, redis.call('PTTL', KEYS[2]))
end
if tonumber(redis.call('GET', KEYS[3]) or 0) >= tonumber(ARGV[2]) then
  wait = math.max(wait, redis.call('PTTL', KEYS[3]))
end
return wait
