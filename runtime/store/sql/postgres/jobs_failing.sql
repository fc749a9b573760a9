-- What running tasks wait for, of all runs, where the last question had no answer or one of no use; the newest question first.
-- params: $1 limit
-- columns: run_id workflow task_name service_type job_id error last_polled_at started_at
SELECT t.run_id, w.name AS workflow, t.task_name, d.service_type, d.job_id, d.error, d.last_polled_at, d.started_at
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
JOIN tasks t ON t.run_id = r.id
JOIN deferred_jobs d ON d.task_id = t.id
WHERE r.status IN ('pending', 'running', 'paused') AND r.deleted_at IS NULL AND t.status = 'running' AND d.status IN ('pending', 'polling')
  AND d.error IS NOT NULL
ORDER BY d.last_polled_at DESC, d.id
LIMIT nullif(greatest($1::bigint, -1), -1)
