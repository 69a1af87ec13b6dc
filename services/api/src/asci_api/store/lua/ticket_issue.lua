-- Store a ticket with Redis' time.
--   KEYS[1] ticket   KEYS[2] versions
--   ARGV[1] document without issued_at   ARGV[2] seconds   ARGV[3] instance   ARGV[4] revision that must stand or ''
-- returns issued_at, or nil where the instance is at another revision
if ARGV[4] ~= '' then
  local version = redis.call('HGET', KEYS[2], ARGV[3]) or ''
  if string.match(version, '^%d+') ~= ARGV[4] then
    return nil
  end
end
local now = stamp()
redis.call('SET', KEYS[1], string.sub(ARGV[1], 1, -2) .. ',"issued_at":' .. now .. '}', 'EX', ARGV[2])
return now
