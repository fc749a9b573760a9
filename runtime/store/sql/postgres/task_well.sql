-- The changing columns of tasks that did well at once and left no log: what task_finish would put, of which most is nothing.
-- params: arrays of one length: $1 id, $2 attempt, $3 dispatched_at, $4 started_at, $5 finished_at, $6 output
UPDATE tasks t
SET status = 'success', attempt = u.attempt, attempts = 0, lost = 0, kind = NULL, execution_name = NULL, error = NULL,
    dispatched_at = u.dispatched_at, started_at = u.started_at, finished_at = u.finished_at, retry_at = NULL, output = u.output, logs = NULL
FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[])
     AS u (id, attempt, dispatched_at, started_at, finished_at, output)
WHERE t.id = u.id
