-- Wishes for runs that nobody carries out: open commands of runs without an owner, oldest first; of runs that ended also
-- when they have one, which may have died over them. Who lives is not judged here. One that a task waits for goes with
-- that.
-- params: $1 limit
-- columns: id run_id kind by scheduler_id
SELECT c.id, c.run_id, c.kind, c."by", r.scheduler_id
FROM commands c
JOIN runs r ON r.id = c.run_id
WHERE c.done_at IS NULL AND (r.scheduler_id IS NULL OR r.status IN ('success', 'failed', 'cancelled')) AND
      r.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM deferred_jobs d
                  WHERE d.task_id = r.parent_task_id AND d.status IN ('pending', 'polling') AND d.job_id = r.id::text)
ORDER BY c.created_at, c.id
LIMIT nullif(greatest($1::bigint, -1), -1)
