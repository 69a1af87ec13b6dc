-- Say that the records are whole.
--   KEYS[1] sentinel   KEYS[2] leader   KEYS[3] changes
--   ARGV[1] epoch   ARGV[2] number
-- returns 1, or the error ASCI_FENCED: whatever was lost since took the lock along, too
local lock = redis.call('HMGET', KEYS[2], 'epoch', 'number')
if lock[1] ~= ARGV[1] or lock[2] ~= ARGV[2] then
  return redis.error_reply('ASCI_FENCED another term of office')
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'restoring', '0')
changed('epoch', '', ARGV[1])
return 1
