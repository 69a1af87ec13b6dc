-- Write lines of the audit back, oldest first, behind those that stand.
--   KEYS[4] audit   ARGV[3 ...] id, entry, id, entry, ...
-- returns how many were written
local refusal = restore_refused()
if refusal then return refusal end
local written = 0
for i = 3, #ARGV, 2 do
  local answer = redis.pcall('XADD', KEYS[4], ARGV[i], 'entry', ARGV[i + 1])
  if type(answer) == 'string' then
    written = written + 1
  end
end
return written
