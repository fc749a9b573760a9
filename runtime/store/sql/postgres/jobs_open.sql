-- What the running tasks of a run wait for: their open deferred jobs. What recovery goes on with, and what is said of them.
-- params: $1 run id
-- columns: id task_id service_type job_id job_data status error created_at started_at last_polled_at finished_at task_index attempt
SELECT d.id, d.task_id, d.service_type, d.job_id, d.job_data, d.status, d.error, d.created_at, d.started_at, d.last_polled_at, d.finished_at,
       t.task_index, t.attempt
FROM tasks t
JOIN deferred_jobs d ON d.task_id = t.id
WHERE t.run_id = $1::uuid AND t.status IN ('dispatched', 'running') AND d.status IN ('pending', 'polling')
ORDER BY t.task_index, d.created_at, d.id
