-- Store the policy if nobody wrote it meanwhile, and wake the controller.
--   KEYS[4] policy   ARGV[3] document that must stand, '' for none   ARGV[4] new document
-- returns 1, or 0 where another document stands
local refusal = refused()
if refusal then return refusal end
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[3] then
  return 0
end
redis.call('SET', KEYS[4], ARGV[4])
changed('policy', '', ARGV[4])
redis.call('PUBLISH', 'asci:wake', '')
return 1
