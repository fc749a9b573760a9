-- Unfinished runs that nobody owns, oldest first. One that a task waits for goes with that.
-- params: ?1 limit
-- columns: id
SELECT r.id FROM runs r INDEXED BY idx_runs_open
WHERE r.scheduler_id IS NULL AND r.status IN ('pending', 'running', 'paused') AND r.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM deferred_jobs d
                  WHERE d.task_id = r.parent_task_id AND d.status IN ('pending', 'polling') AND replace(d.job_id, '-', '') = lower(hex(r.id)))
ORDER BY r.created_at, r.id
LIMIT ?1
