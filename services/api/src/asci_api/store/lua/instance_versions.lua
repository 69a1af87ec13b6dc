-- List the instances of an index, oldest first, with the versions that stand.
--   KEYS[1] sentinel   KEYS[2] index   KEYS[3] versions
-- returns {id, version, id, version, ...}, or the error ASCI_RESTORING
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('ASCI_RESTORING the sentinel is missing')
end
local ids = redis.call('ZRANGE', KEYS[2], 0, -1)
local answer = {}
for first = 1, #ids, 1000 do
  local last = math.min(first + 999, #ids)
  local versions = redis.call('HMGET', KEYS[3], unpack(ids, first, last))
  for i = first, last do
    local version = versions[i - first + 1]
    if version then
      answer[#answer + 1] = ids[i]
      answer[#answer + 1] = version
    end
  end
end
return answer
