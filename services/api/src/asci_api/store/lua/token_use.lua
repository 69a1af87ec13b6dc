-- Read a sign-in and renew its idle time.
--   KEYS[1] sentinel   KEYS[2] token
-- returns the record, nil where there is none, or the error ASCI_RESTORING where its absence says nothing
local record = redis.call('GET', KEYS[2])
if not record then
  if redis.call('EXISTS', KEYS[1]) == 0 then
    return redis.error_reply('ASCI_RESTORING the sentinel is missing')
  end
  return nil
end
local token = cjson.decode(record)
local left = math.min(token.idle_seconds, token.expires_at - tonumber(stamp()))
if left <= 0 then
  redis.call('DEL', KEYS[2])
  return nil
end
redis.call('PEXPIRE', KEYS[2], math.floor(left * 1000))
return record
