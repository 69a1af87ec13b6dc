-- Store a sign-in.
--   KEYS[4] token   KEYS[5] tokens of the person
--   ARGV[3] hash   ARGV[4] record   ARGV[5] idle seconds   ARGV[6] expires_at
-- returns 1
local refusal = refused()
if refusal then return refusal end
local left = tonumber(ARGV[6]) - tonumber(stamp())
if left > 0 then
  redis.call('SET', KEYS[4], ARGV[4], 'PX', math.max(1, math.floor(math.min(ARGV[5], left) * 1000)))
  index_token(KEYS[5], ARGV[3], ARGV[6], left)
  changed('token', ARGV[3], ARGV[4])
end
return 1
