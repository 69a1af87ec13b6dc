-- Read a table of documents.
--   KEYS[1] sentinel   KEYS[2] table (a hash)
-- returns {name, document, name, document, ...}, or the error ASCI_RESTORING
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('ASCI_RESTORING the sentinel is missing')
end
return redis.call('HGETALL', KEYS[2])
