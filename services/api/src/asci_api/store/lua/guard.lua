-- Stands before every script. Scripts that write durable facts have
--   KEYS[1] sentinel   KEYS[2] leader   KEYS[3] changes
--   ARGV[1] epoch and ARGV[2] number of the writer's fence, both '' for a writer that needs none
-- and begin with: local refusal = refused(); if refusal then return refusal end

-- The error to answer with, or nil: the records are whole and the writer, if fenced, still leads.
local function refused()
  local sentinel = redis.call('GET', KEYS[1])
  if not sentinel then
    return redis.error_reply('ASCI_RESTORING the sentinel is missing')
  end
  if ARGV[1] == '' then
    return nil
  end
  local lock = redis.call('HMGET', KEYS[2], 'epoch', 'number')
  if sentinel ~= ARGV[1] or lock[1] ~= ARGV[1] or lock[2] ~= ARGV[2] then
    return redis.error_reply('ASCI_FENCED another term of office')
  end
  return nil
end

-- The same for the leader that restores: its term must go on, and the records must not be whole again.
-- What it writes keeps the lock, so that a long restore does not lose it.
local function restore_refused()
  local lock = redis.call('HMGET', KEYS[2], 'epoch', 'number')
  if lock[1] ~= ARGV[1] or lock[2] ~= ARGV[2] then
    return redis.error_reply('ASCI_FENCED another term of office')
  end
  if redis.call('EXISTS', KEYS[1]) == 1 then
    return redis.error_reply('ASCI_FENCED the records are whole already')
  end
  if redis.call('PTTL', KEYS[2]) < 6000 then
    redis.call('PEXPIRE', KEYS[2], 6000)
  end
  return nil
end

-- Tell the durable copies; without doc it is a tombstone. Copies older than an hour copy everything again.
local function changed(kind, key, doc)
  if doc then
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', 20000, '*', 'kind', kind, 'key', key, 'doc', doc)
  else
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', 20000, '*', 'kind', kind, 'key', key)
  end
  local now = redis.call('TIME')
  redis.call('XTRIM', KEYS[3], 'MINID', '~', string.format('%d-0', (now[1] - 3600) * 1000))
end

-- Redis' time in seconds, as text with microseconds.
local function stamp()
  local now = redis.call('TIME')
  return string.format('%d.%06d', now[1], now[2])
end

-- Enter a sign-in into its person's list, which lives as long as the longest of them.
local function index_token(list, hash, expires_at, left)
  redis.call('ZREMRANGEBYSCORE', list, '-inf', stamp())
  redis.call('ZADD', list, expires_at, hash)
  if redis.call('TTL', list) < left then
    redis.call('EXPIRE', list, math.ceil(left))
  end
end

