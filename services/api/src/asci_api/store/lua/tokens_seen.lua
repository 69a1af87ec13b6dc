-- Tell how many sign-ins people have, and when one was last used.
--   KEYS[1] sentinel   KEYS[2 ...] tokens of each person   ARGV[1] what stands before a hash in a token's key
-- returns {how many, Unix time or '', ...} in the order of the people, or the error ASCI_RESTORING
--
-- A use sets a token's expiry to its idle time from then on, or to its end where that comes first.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('ASCI_RESTORING the sentinel is missing')
end
local now, answer = tonumber(stamp()), {}
for i = 2, #KEYS do
  local count, last = 0, nil
  for _, hash in ipairs(redis.call('ZRANGE', KEYS[i], 0, -1)) do
    local key = ARGV[1] .. hash
    local record = redis.call('GET', key)
    if record then
      local token = cjson.decode(record)
      local used = now + redis.call('PTTL', key) / 1000 - token.idle_seconds
      count = count + 1
      last = math.max(last or 0, token.created_at, used)
    end
  end
  answer[#answer + 1] = count
  answer[#answer + 1] = last and string.format('%.3f', last) or ''
end
return answer
