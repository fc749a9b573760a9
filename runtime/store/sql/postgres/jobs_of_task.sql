-- The deferred jobs of a task, oldest first.
-- params: $1 task id
-- columns: id task_id service_type job_id job_data status error created_at started_at last_polled_at finished_at
SELECT d.id, d.task_id, d.service_type, d.job_id, d.job_data, d.status, d.error, d.created_at, d.started_at, d.last_polled_at, d.finished_at
FROM deferred_jobs d
WHERE d.task_id = $1::uuid
ORDER BY d.created_at, d.id
