-- Runs of tasks of a run, at any depth, that ended and whose handlers were not all called: `ork resume` of the run calls those, too. One
-- that its task still waits for goes with that. From the open commands upwards, which are few.
-- params: ?1 run id
-- columns: run_id by
SELECT DISTINCT r.id AS run_id, c."by"
FROM commands c
JOIN runs r ON r.id = c.run_id
WHERE c.done_at IS NULL AND c.kind IN ('on_success', 'on_failure', 'on_cancel') AND r.parent_task_id IS NOT NULL
  AND r.status IN ('success', 'failed', 'cancelled') AND r.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM deferred_jobs d
                  WHERE d.task_id = r.parent_task_id AND d.status IN ('pending', 'polling') AND replace(d.job_id, '-', '') = lower(hex(r.id)))
  AND ?1 IN (WITH RECURSIVE above(id) AS (
               SELECT t.run_id FROM tasks t WHERE t.id = r.parent_task_id
               UNION
               SELECT t.run_id FROM above a JOIN runs p ON p.id = a.id JOIN tasks t ON t.id = p.parent_task_id)
             SELECT id FROM above)
ORDER BY r.id, c."by"
