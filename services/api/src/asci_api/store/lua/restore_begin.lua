-- Whether a restore may begin.
-- returns 0, or a refusal
return restore_refused() or 0
