-- Deferred jobs as they are now: what tasks that run wait for.
-- params: arrays of one length: $1 id, $2 task id, $3 service_type, $4 job_id, $5 job_data, $6 status, $7 error, $8 created_at, $9 started_at,
--   $10 last_polled_at, $11 finished_at
INSERT INTO deferred_jobs (id, task_id, service_type, job_id, job_data, status, error, created_at, started_at, last_polled_at, finished_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::text[], $8::timestamptz[],
                     $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])
ON CONFLICT (id) DO UPDATE
SET job_data = excluded.job_data, status = excluded.status, error = excluded.error, last_polled_at = excluded.last_polled_at,
    finished_at = excluded.finished_at
