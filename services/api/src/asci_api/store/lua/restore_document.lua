-- Write one document of a table back unless one stands.
--   KEYS[4] table (a hash)   ARGV[3] name   ARGV[4] document
-- returns 1 where it was written, else 0
local refusal = restore_refused()
if refusal then return refusal end
return redis.call('HSETNX', KEYS[4], ARGV[3], ARGV[4])
