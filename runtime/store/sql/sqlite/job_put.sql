-- A deferred job as it is now: what a task that runs waits for.
-- params: ?1 id, ?2 task id, ?3 service_type, ?4 job_id, ?5 job_data, ?6 status, ?7 error, ?8 created_at, ?9 started_at, ?10 last_polled_at,
--   ?11 finished_at
INSERT INTO deferred_jobs (id, task_id, service_type, job_id, job_data, status, error, created_at, started_at, last_polled_at, finished_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (id) DO UPDATE
SET job_data = excluded.job_data, status = excluded.status, error = excluded.error, last_polled_at = excluded.last_polled_at,
    finished_at = excluded.finished_at
