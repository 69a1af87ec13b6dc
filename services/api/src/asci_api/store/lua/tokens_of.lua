-- List the sign-ins of a person that still stand.
--   KEYS[1] sentinel   KEYS[2] tokens of the person   ARGV[1] what stands before a hash in a token's key
-- returns their hashes, or the error ASCI_RESTORING
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('ASCI_RESTORING the sentinel is missing')
end
local standing = {}
for _, hash in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', ARGV[1] .. hash) == 1 then
    standing[#standing + 1] = hash
  else
    redis.call('ZREM', KEYS[2], hash)
  end
end
return standing
