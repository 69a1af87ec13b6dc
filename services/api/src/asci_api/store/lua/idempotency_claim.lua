-- Claim an idempotency key.
--   KEYS[4] key   ARGV[3] what to remember   ARGV[4] seconds
-- returns what was remembered before, or nil
local refusal = refused()
if refusal then return refusal end
local before = redis.call('GET', KEYS[4])
if not before then
  redis.call('SET', KEYS[4], ARGV[3], 'EX', ARGV[4])
end
return before
