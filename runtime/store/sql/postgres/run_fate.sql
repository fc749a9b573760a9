-- May a run be removed? Its end, and whether its removal has begun, or a task still waits for it.
-- params: $1 run id
-- columns: status finished_at deleted awaited
SELECT r.status, coalesce(r.finished_at, r.created_at), r.deleted_at IS NOT NULL,
       EXISTS (SELECT 1 FROM deferred_jobs d
               WHERE d.task_id = r.parent_task_id AND d.status IN ('pending', 'polling') AND d.job_id = r.id::text)
FROM runs r
WHERE r.id = $1::uuid
