-- Write a line of the audit.
--   KEYS[4] audit   ARGV[3] entry   ARGV[4] lines kept
-- returns the line's id
local refusal = refused()
if refusal then return refusal end
local id = redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'entry', ARGV[3])
changed('audit', id, ARGV[3])
return id
