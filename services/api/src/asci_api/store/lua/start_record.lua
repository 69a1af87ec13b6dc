-- Remember how long a start took.
--   KEYS[4] starts   ARGV[3] environment   ARGV[4] seconds   ARGV[5] starts kept
-- returns 1
local refusal = refused()
if refusal then return refusal end
redis.call('LPUSH', KEYS[4], ARGV[4])
redis.call('LTRIM', KEYS[4], 0, ARGV[5] - 1)
changed('starts', ARGV[3], '[' .. table.concat(redis.call('LRANGE', KEYS[4], 0, -1), ',') .. ']')
return 1
