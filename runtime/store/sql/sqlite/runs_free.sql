-- Unfinished runs that nobody owns, oldest first.
-- params: ?1 limit
-- columns: id
SELECT id FROM runs INDEXED BY idx_runs_open
WHERE scheduler_id IS NULL AND status IN ('pending', 'running', 'paused') AND deleted_at IS NULL
ORDER BY created_at, id
LIMIT ?1
