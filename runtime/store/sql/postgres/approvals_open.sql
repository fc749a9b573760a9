-- What people are asked: approvals that running tasks wait for, in all runs, the oldest first. One that was decided, and not carried out yet, has that wish.
-- params: $1 limit
-- columns: run_id workflow task_name job_data started_at wish wish_args wish_at
SELECT t.run_id, w.name AS workflow, t.task_name, d.job_data, d.started_at, c.kind AS wish, c.args AS wish_args, c.created_at AS wish_at
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
JOIN tasks t ON t.run_id = r.id
JOIN deferred_jobs d ON d.task_id = t.id
LEFT JOIN commands c ON c.id = (SELECT o.id FROM commands o
  WHERE d.service_type = 'approval' AND o.run_id = t.run_id AND o.task_id = t.id AND o.done_at IS NULL AND o.kind IN ('approve', 'reject')
  ORDER BY o.created_at, o.id LIMIT 1)
WHERE r.status IN ('pending', 'running', 'paused') AND r.deleted_at IS NULL AND t.status = 'running' AND d.service_type = 'approval' AND d.status = 'pending'
ORDER BY d.created_at, d.id
LIMIT nullif(greatest($1::bigint, -1), -1)
