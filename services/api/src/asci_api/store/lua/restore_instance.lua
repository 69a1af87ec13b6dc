-- Write a record of an instance back, with its indexes, unless one stands.
--   KEYS[4] record   KEYS[5] log   KEYS[6] versions   KEYS[7] all   KEYS[8] active   KEYS[9] audience
--   KEYS[10 ...] the lists of those who may know of it
--   ARGV[3] version   ARGV[4] id   ARGV[5] created_at   ARGV[6] '1' while it has not ended   ARGV[7] document
--   ARGV[8] log, '' for none   ARGV[9 ...] user names of the audience
-- returns 1 where it was written, else 0
local refusal = restore_refused()
if refusal then return refusal end
if redis.call('EXISTS', KEYS[4]) == 1 then
  return 0
end
local id = ARGV[4]
redis.call('SET', KEYS[4], ARGV[7])
if ARGV[8] ~= '' then
  redis.call('SET', KEYS[5], ARGV[8])
end
redis.call('HSET', KEYS[6], id, ARGV[3])
redis.call('ZADD', KEYS[7], ARGV[5], id)
if ARGV[6] == '1' then
  redis.call('ZADD', KEYS[8], ARGV[5], id)
end
for i = 1, #KEYS - 9 do
  redis.call('SADD', KEYS[9], ARGV[8 + i])
  redis.call('ZADD', KEYS[9 + i], ARGV[5], id)
end
return 1
