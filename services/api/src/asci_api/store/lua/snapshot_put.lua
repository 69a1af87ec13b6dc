-- Store what the controller saw of the cluster.
--   KEYS[4] key   ARGV[3] document   ARGV[4] seconds, '' for none   ARGV[5] ring where it differs, '' for none
-- returns 1 where it differs from what stood, else 0
local refusal = refused()
if refusal then return refusal end
local differs = redis.call('GET', KEYS[4]) ~= ARGV[3]
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[4], ARGV[3], 'EX', ARGV[4])
elseif differs then
  redis.call('SET', KEYS[4], ARGV[3])
end
if differs and ARGV[5] ~= '' then
  redis.call('PUBLISH', 'asci:ring', ARGV[5])
end
return differs and 1 or 0
