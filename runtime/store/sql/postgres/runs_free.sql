-- Unfinished runs that nobody owns, oldest first.
-- params: $1 limit
-- columns: id
SELECT id FROM runs
WHERE scheduler_id IS NULL AND status IN ('pending', 'running', 'paused') AND deleted_at IS NULL
ORDER BY created_at, id
LIMIT nullif(greatest($1::bigint, -1), -1)
