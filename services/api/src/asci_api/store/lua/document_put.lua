-- Store one document of a table if nobody wrote it meanwhile, and wake the controller.
--   KEYS[4] table (a hash)
--   ARGV[3] kind of fact   ARGV[4] name   ARGV[5] document that must stand, '' for none
--   ARGV[6] new document, '' to remove it   ARGV[7] ring, '' for none
-- returns 1, or 0 where another document stands
local refusal = refused()
if refusal then return refusal end
if (redis.call('HGET', KEYS[4], ARGV[4]) or '') ~= ARGV[5] then
  return 0
end
if ARGV[6] == '' then
  redis.call('HDEL', KEYS[4], ARGV[4])
  changed(ARGV[3], ARGV[4])
else
  redis.call('HSET', KEYS[4], ARGV[4], ARGV[6])
  changed(ARGV[3], ARGV[4], ARGV[6])
end
redis.call('PUBLISH', 'asci:wake', '')
if ARGV[7] ~= '' then
  redis.call('PUBLISH', 'asci:ring', ARGV[7])
end
return 1
