-- The changing columns of tasks but output and logs.
-- params: arrays of one length: $1 id, $2 status, $3 attempt, $4 failures, $5 lost, $6 kind, $7 execution_name, $8 error, $9 dispatched_at,
--   $10 started_at, $11 finished_at, $12 retry_at
UPDATE tasks t
SET status = u.status, attempt = u.attempt, attempts = u.failures, lost = u.lost, kind = u.kind, execution_name = u.execution_name,
    error = u.error, dispatched_at = u.dispatched_at, started_at = u.started_at, finished_at = u.finished_at, retry_at = u.retry_at
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
            $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
     AS u (id, status, attempt, failures, lost, kind, execution_name, error, dispatched_at, started_at, finished_at, retry_at)
WHERE t.id = u.id
