-- Count a failed sign-in.
--   KEYS[1] pair   KEYS[2] pair-wait   KEYS[3] account   KEYS[4] account-wait   KEYS[5] address
-- returns 1
--
-- Seconds of the wait after so many failures: none before `least`, then 10 s, doubling up to `most`.
local function count(counter, wait, keep, least, most)
  local failures = redis.call('INCR', counter)
  redis.call('EXPIRE', counter, keep)
  if failures >= least then
    redis.call('SET', wait, '1', 'EX', math.min(most, 10 * 2 ^ math.min(failures - least, 20)))
  end
end
count(KEYS[1], KEYS[2], 3600, 5, 900)
count(KEYS[3], KEYS[4], 900, 20, 60)
if redis.call('INCR', KEYS[5]) == 1 then
  redis.call('EXPIRE', KEYS[5], 60)
end
return 1
