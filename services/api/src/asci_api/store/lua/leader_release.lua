-- Give the lock back.
--   KEYS[1] leader   ARGV[1] holder   ARGV[2] epoch   ARGV[3] number
-- returns 1 where it was held in this term, else 0
local lock = redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'number')
if lock[1] ~= ARGV[1] or lock[2] ~= ARGV[2] or lock[3] ~= ARGV[3] then
  return 0
end
return redis.call('DEL', KEYS[1])
