-- Unfinished runs whose owner is gone by its row: it ended, was buried, or was forgotten. One that
-- a task waits for goes with that.
-- params: none
-- columns: id
SELECT r.id
FROM runs r INDEXED BY idx_runs_open
LEFT JOIN schedulers s ON s.id = r.scheduler_id
WHERE r.scheduler_id IS NOT NULL AND r.status IN ('pending', 'running', 'paused') AND s.state IS NOT 'live' AND r.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM deferred_jobs d
                  WHERE d.task_id = r.parent_task_id AND d.status IN ('pending', 'polling') AND replace(d.job_id, '-', '') = lower(hex(r.id)))
ORDER BY r.created_at, r.id
