-- Remove a record of an instance with everything that leads to it.
--   KEYS[4] record   KEYS[5] log   KEYS[6] versions   KEYS[7] all   KEYS[8] active   KEYS[9] audience
--   KEYS[10 ...] the lists of those who may know of it
--   ARGV[3] version that must stand   ARGV[4] id   ARGV[5] ring
-- returns 1, or 0 where another version stands
local refusal = refused()
if refusal then return refusal end
local id = ARGV[4]
if redis.call('HGET', KEYS[6], id) ~= ARGV[3] then
  return 0
end
redis.call('DEL', KEYS[4], KEYS[5], KEYS[9])
redis.call('HDEL', KEYS[6], id)
redis.call('ZREM', KEYS[7], id)
redis.call('ZREM', KEYS[8], id)
for i = 10, #KEYS do
  redis.call('ZREM', KEYS[i], id)
end
changed('instance', id)
changed('log', id)
redis.call('PUBLISH', 'asci:ring', ARGV[5])
return 1
