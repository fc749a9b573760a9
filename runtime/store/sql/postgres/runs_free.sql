-- Unfinished runs that nobody owns, oldest first. One that a task waits for goes with that.
-- params: $1 limit
-- columns: id
SELECT r.id FROM runs r
WHERE r.scheduler_id IS NULL AND r.status IN ('pending', 'running', 'paused') AND r.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM deferred_jobs d
                  WHERE d.task_id = r.parent_task_id AND d.status IN ('pending', 'polling') AND d.job_id = r.id::text)
ORDER BY r.created_at, r.id
LIMIT nullif(greatest($1::bigint, -1), -1)
