-- Wishes for runs that nobody carries out: open commands of runs without an owner, oldest first.
-- params: $1 limit
-- columns: id run_id kind
SELECT c.id, c.run_id, c.kind
FROM commands c
JOIN runs r ON r.id = c.run_id
WHERE c.done_at IS NULL AND r.scheduler_id IS NULL AND r.deleted_at IS NULL
ORDER BY c.created_at, c.id
LIMIT nullif(greatest($1::bigint, -1), -1)
