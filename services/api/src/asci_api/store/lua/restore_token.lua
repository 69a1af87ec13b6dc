-- Write a sign-in back unless it stands or is over; it may be idle for its whole idle time again.
--   KEYS[4] token   KEYS[5] tokens of the person
--   ARGV[3] hash   ARGV[4] record   ARGV[5] idle seconds   ARGV[6] expires_at
-- returns 1 where it was written, else 0
local refusal = restore_refused()
if refusal then return refusal end
local left = tonumber(ARGV[6]) - tonumber(stamp())
if left <= 0 then
  return 0
end
local life = math.max(1, math.floor(math.min(ARGV[5], left) * 1000))
if not redis.call('SET', KEYS[4], ARGV[4], 'NX', 'PX', life) then
  return 0
end
index_token(KEYS[5], ARGV[3], ARGV[6], left)
return 1
