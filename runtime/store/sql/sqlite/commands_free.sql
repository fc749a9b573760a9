-- Wishes for runs that nobody carries out: open commands of runs without an owner, oldest first. One that a task
-- waits for goes with that.
-- params: ?1 limit
-- columns: id run_id kind
SELECT c.id, c.run_id, c.kind
FROM commands c
JOIN runs r ON r.id = c.run_id
WHERE c.done_at IS NULL AND r.scheduler_id IS NULL AND r.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM deferred_jobs d
                  WHERE d.task_id = r.parent_task_id AND d.status IN ('pending', 'polling') AND replace(d.job_id, '-', '') = lower(hex(r.id)))
ORDER BY c.created_at, c.id
LIMIT ?1
