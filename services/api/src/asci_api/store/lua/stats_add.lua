-- Keep a sample unless one of its step or a later one stands.
--   KEYS[4] samples of one step   ARGV[3] id: when, in ms   ARGV[4] sample   ARGV[5] ms before which samples are dropped
-- returns 1 where it was kept, else 0
local refusal = refused()
if refusal then return refusal end
local answer = redis.pcall('XADD', KEYS[4], ARGV[3] .. '-1', 'sample', ARGV[4])
if type(answer) ~= 'string' then
  return 0
end
redis.call('XTRIM', KEYS[4], 'MINID', '~', ARGV[5] .. '-0')
return 1
