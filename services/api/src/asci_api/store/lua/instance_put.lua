-- Store a record of an instance if nobody wrote it meanwhile, with its indexes, ring and wake.
--   KEYS[4] record   KEYS[5] log   KEYS[6] versions   KEYS[7] all   KEYS[8] active   KEYS[9] audience
--   KEYS[10 ...] the lists of those who may know of it, then of those who no longer may
--   ARGV[3] version that must stand ('' for none)   ARGV[4] new version   ARGV[5] id   ARGV[6] created_at
--   ARGV[7] '1' while it has not ended   ARGV[8] document   ARGV[9] 'keep', 'set' or 'drop' the log
--   ARGV[10] log   ARGV[11] ring   ARGV[12] '1' to wake the controller   ARGV[13 ...] user names of the audience
-- returns 1, or 0 where another version stands
local refusal = refused()
if refusal then return refusal end
local id = ARGV[5]
if (redis.call('HGET', KEYS[6], id) or '') ~= ARGV[3] then
  return 0
end
redis.call('SET', KEYS[4], ARGV[8])
redis.call('HSET', KEYS[6], id, ARGV[4])
redis.call('ZADD', KEYS[7], ARGV[6], id)
if ARGV[7] == '1' then
  redis.call('ZADD', KEYS[8], ARGV[6], id)
else
  redis.call('ZREM', KEYS[8], id)
end
redis.call('DEL', KEYS[9])
local people = #ARGV - 12
for i = 1, people do
  redis.call('SADD', KEYS[9], ARGV[12 + i])
  redis.call('ZADD', KEYS[9 + i], ARGV[6], id)
end
for i = 10 + people, #KEYS do
  redis.call('ZREM', KEYS[i], id)
end
changed('instance', id, ARGV[8])
if ARGV[9] == 'set' then
  redis.call('SET', KEYS[5], ARGV[10])
  changed('log', id, ARGV[10])
elseif ARGV[9] == 'drop' then
  redis.call('DEL', KEYS[5])
  changed('log', id)
end
redis.call('PUBLISH', 'asci:ring', ARGV[11])
if ARGV[12] == '1' then
  redis.call('PUBLISH', 'asci:wake', id)
end
return 1
