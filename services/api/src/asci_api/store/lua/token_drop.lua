-- End a sign-in.
--   KEYS[4] token   ARGV[3] hash
-- what is remembered for 10 minutes under asci:token-ended:{hash}: this sign-in did not just fall idle
-- returns how many ended (0 or 1)
local refusal = refused()
if refusal then return refusal end
changed('token', ARGV[3])
local ended = redis.call('DEL', KEYS[4])
if ended == 1 then
  redis.call('SET', 'asci:token-ended:' .. ARGV[3], '1', 'EX', 600)
end
return ended
