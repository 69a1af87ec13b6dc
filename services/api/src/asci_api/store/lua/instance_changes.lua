-- Tell which instances changed since a cursor of the changes.
--   KEYS[1] sentinel   KEYS[2] changes
--   ARGV[1] epoch and ARGV[2] cursor of the asker, '' for none   ARGV[3] changes that are told at most
-- returns {epoch, last change, '1', id, document or '', ...}, or {epoch, last change, '0'} where the asker must read
-- everything: another epoch, a cursor that does not stand (Redis lost its last second, or trimmed), or too many changes;
-- or the error ASCI_RESTORING
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  return redis.error_reply('ASCI_RESTORING the sentinel is missing')
end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local last = newest[1] and newest[1][1] or ''
if epoch ~= ARGV[1] or ARGV[2] == '' or #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) == 0 then
  return {epoch, last, '0'}
end
local changes = redis.call('XRANGE', KEYS[2], '(' .. ARGV[2], '+', 'COUNT', ARGV[3] + 1)
if #changes > tonumber(ARGV[3]) then
  return {epoch, last, '0'}
end
local answer = {epoch, last, '1'}
for _, change in ipairs(changes) do
  local fields = change[2]
  if fields[2] == 'instance' then
    answer[#answer + 1] = fields[4]
    answer[#answer + 1] = fields[6] or ''
  end
end
return answer
