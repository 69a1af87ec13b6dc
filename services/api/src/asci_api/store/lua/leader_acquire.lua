-- Take or keep the lock.
--   KEYS[1] sentinel   KEYS[2] leader   KEYS[3] number
--   ARGV[1] holder   ARGV[2] lease in ms   ARGV[3] epoch for a term that must restore
-- returns {epoch, number} of the term, or nil while another leads
local lock = redis.call('HMGET', KEYS[2], 'holder', 'epoch', 'number', 'restoring')
if lock[1] and lock[1] ~= ARGV[1] then
  return nil
end
local sentinel = redis.call('GET', KEYS[1])
local goes_on = lock[1] and ((sentinel and sentinel == lock[2]) or (not sentinel and lock[4] == '1'))
if not goes_on then
  local epoch = sentinel
  if not epoch then
    epoch = string.format('%.0f', math.max(tonumber(ARGV[3]), (tonumber(lock[2]) or 0) + 1))
  end
  lock[2] = epoch
  lock[3] = string.format('%.0f', redis.call('INCR', KEYS[3]))
  redis.call('HSET', KEYS[2], 'holder', ARGV[1], 'epoch', lock[2], 'number', lock[3],
    'restoring', sentinel and '0' or '1')
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return {lock[2], lock[3]}
