-- Write a tombstone with Redis' time and push it.
--   KEYS[4] revocations
--   ARGV[3] document without at   ARGV[4] seconds that tombstones are kept
-- returns at, or a refusal (for a fenced writer only: a revocation is never held up by a restore)
if ARGV[1] ~= '' then
  local refusal = refused()
  if refusal then return refusal end
end
local now = stamp()
local document = string.sub(ARGV[3], 1, -2) .. ',"at":' .. now .. '}'
redis.call('ZADD', KEYS[4], now, document)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. string.format('%.6f', tonumber(now) - tonumber(ARGV[4])))
redis.call('EXPIRE', KEYS[4], ARGV[4])
redis.call('PUBLISH', 'asci:revoked', document)
return now
