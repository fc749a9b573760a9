-- The task that a run is run for, and whether it still waits for that run. No row: it is run for none, or that is gone.
-- params: $1 run id
-- columns: run_id workflow status task_name map_index awaited
SELECT p.id AS run_id, w.name AS workflow, p.status, t.task_name, t.map_index,
       EXISTS (SELECT 1 FROM deferred_jobs d
               WHERE d.task_id = t.id AND d.status IN ('pending', 'polling') AND d.job_id = r.id::text) AS awaited
FROM runs r
JOIN tasks t ON t.id = r.parent_task_id
JOIN runs p ON p.id = t.run_id
JOIN workflows w ON w.id = p.workflow_id
WHERE r.id = $1::uuid AND p.deleted_at IS NULL
