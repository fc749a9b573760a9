-- Items of tasks: a row is made by the first change, what it has of the task's definition comes from the task's row.
-- params: arrays of one length: $1 id, $2 status, $3 attempt, $4 failures, $5 lost, $6 kind, $7 execution_name, $8 error, $9 dispatched_at,
--   $10 started_at, $11 finished_at, $12 retry_at, $13 set output, $14 output, $15 set logs, $16 logs, $17 task_index, $18 number in the list,
--   $19 id of the task
WITH u AS (
    SELECT *
    FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
                $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::boolean[], $14::jsonb[], $15::boolean[], $16::text[],
                $17::integer[], $18::integer[], $19::uuid[])
         AS u (id, status, attempt, failures, lost, kind, execution_name, error, dispatched_at, started_at, finished_at, retry_at,
               set_output, output, set_logs, logs, task_index, item, parent)
), changed AS (
    UPDATE tasks t
    SET status = u.status, attempt = u.attempt, attempts = u.failures, lost = u.lost, kind = u.kind, execution_name = u.execution_name,
        error = u.error, dispatched_at = u.dispatched_at, started_at = u.started_at, finished_at = u.finished_at, retry_at = u.retry_at,
        output = CASE WHEN u.set_output THEN u.output ELSE t.output END, logs = CASE WHEN u.set_logs THEN u.logs ELSE t.logs END
    FROM u
    WHERE t.id = u.id
), p AS MATERIALIZED (
    SELECT *
    FROM tasks
    WHERE id IN (SELECT DISTINCT parent FROM u)
)
INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, depends_on, status, attempt, attempts, lost, kind, execution_name,
                   error, dispatched_at, started_at, finished_at, retry_at, output, logs, max_retries, timeout_seconds, pool, priority,
                   map_index, map_parent, created_at)
SELECT u.id, p.run_id, u.task_index, p.task_name || '/' || u.item, p.executor_type, '{}', u.status, u.attempt, u.failures, u.lost, u.kind,
       u.execution_name, u.error, u.dispatched_at, u.started_at, u.finished_at, u.retry_at, CASE WHEN u.set_output THEN u.output END,
       CASE WHEN u.set_logs THEN u.logs END, p.max_retries, p.timeout_seconds, p.pool, p.priority, u.item, p.id,
       coalesce(p.started_at, p.created_at)
FROM u
JOIN p ON p.id = u.parent
WHERE NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = u.id) -- as it was before this statement
