-- Items of tasks that have no row yet and did well at once: what item_put would make of them. A row that is there is an error (23505), after
-- which that is asked instead.
-- params: arrays of one length: $1 id, $2 attempt, $3 dispatched_at, $4 started_at, $5 finished_at, $6 output, $7 task_index, $8 number in the
--   list, $9 id of the task
WITH p AS MATERIALIZED (
    SELECT *
    FROM tasks
    WHERE id IN (SELECT DISTINCT parent FROM unnest($9::uuid[]) AS u (parent))
)
INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, depends_on, status, attempt, dispatched_at, started_at, finished_at, output,
                   max_retries, timeout_seconds, pool, priority, map_index, map_parent, created_at)
SELECT u.id, p.run_id, u.task_index, p.task_name || '/' || u.item, p.executor_type, '{}', 'success', u.attempt, u.dispatched_at, u.started_at,
       u.finished_at, u.output, p.max_retries, p.timeout_seconds, p.pool, p.priority, u.item, p.id, coalesce(p.started_at, p.created_at)
FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[], $7::integer[], $8::integer[],
            $9::uuid[])
     AS u (id, attempt, dispatched_at, started_at, finished_at, output, task_index, item, parent)
JOIN p ON p.id = u.parent
