-- Write a line of the audit.
--   KEYS[4] audit   KEYS[5] guard, only for a line that is written once in so many seconds
--   ARGV[3] entry   ARGV[4] lines kept   ARGV[5] those seconds
-- returns the line's id, or nil where an equal one stands already
local refusal = refused()
if refusal then return refusal end
if KEYS[5] and not redis.call('SET', KEYS[5], '1', 'NX', 'EX', ARGV[5]) then
  return nil
end
local id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'entry', ARGV[3])
changed('audit', id, ARGV[3])
return id
