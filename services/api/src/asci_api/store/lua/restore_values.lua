-- Write a string, or a list of numbers, back unless it stands.
--   KEYS[4] key   ARGV[3] 'string' or 'list'   ARGV[4 ...] value, or the list's values
-- returns 1 where it was written, else 0
local refusal = restore_refused()
if refusal then return refusal end
if redis.call('EXISTS', KEYS[4]) == 1 then
  return 0
end
if ARGV[3] == 'string' then
  redis.call('SET', KEYS[4], ARGV[4])
else
  redis.call('RPUSH', KEYS[4], unpack(ARGV, 4))
end
return 1
