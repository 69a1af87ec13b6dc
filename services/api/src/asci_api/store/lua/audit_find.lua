-- Read a stretch of the audit backwards and leave out what certainly does not fit.
--   KEYS[1] sentinel   KEYS[2] audit
--   ARGV[1] where to begin   ARGV[2] where to end   ARGV[3] lines to look at   ARGV[4 ...] texts that an entry must contain
-- returns {id of the last line looked at, or '' at the end, id, entry, id, entry, ...}, or the error ASCI_RESTORING
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('ASCI_RESTORING the sentinel is missing')
end
local lines = redis.call('XREVRANGE', KEYS[2], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
local answer = {#lines == tonumber(ARGV[3]) and lines[#lines][1] or ''}
for _, line in ipairs(lines) do
  local entry, fits = line[2][2], true
  for i = 4, #ARGV do
    fits = fits and string.find(entry, ARGV[i], 1, true)
  end
  if fits then
    answer[#answer + 1] = line[1]
    answer[#answer + 1] = entry
  end
end
return answer
