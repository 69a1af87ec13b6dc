-- Store the policy.
--   KEYS[4] policy   ARGV[3] document
-- returns 1
local refusal = refused()
if refusal then return refusal end
redis.call('SET', KEYS[4], ARGV[3])
changed('policy', '', ARGV[3])
return 1
