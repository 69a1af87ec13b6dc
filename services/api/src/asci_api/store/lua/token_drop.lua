-- End a sign-in.
--   KEYS[4] token   ARGV[3] hash
-- returns how many ended (0 or 1)
local refusal = refused()
if refusal then return refusal end
changed('token', ARGV[3])
return redis.call('DEL', KEYS[4])
