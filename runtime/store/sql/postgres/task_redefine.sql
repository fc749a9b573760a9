-- A task of a run as its new definition has it: a new row, or one that is there, at its place. $14: pending, whatever it was.
-- params: $1 id, $2 run id, $3 task_index, $4 name, $5 executor, $6 depends_on as the text of an array, $7 params JSON, $8 max_retries,
--   $9 timeout in seconds, $10 pool, $11 priority, $12 trigger rule, $13 now, $14 run it again, $15 by a new list
INSERT INTO tasks AS t (id, run_id, task_index, task_name, executor_type, depends_on, status, params, max_retries, timeout_seconds, pool,
                        priority, trigger_rule, created_at)
VALUES ($1::uuid, $2::uuid, $3::integer, $4::text, $5::text, $6::text::text[], 'pending', $7::jsonb, $8::integer, $9::integer, $10::text,
        $11::integer, $12::text, $13::timestamptz)
ON CONFLICT (id) DO UPDATE
SET task_index = excluded.task_index, task_name = excluded.task_name, executor_type = excluded.executor_type,
    depends_on = excluded.depends_on, params = excluded.params, max_retries = excluded.max_retries,
    timeout_seconds = excluded.timeout_seconds, pool = excluded.pool, priority = excluded.priority, trigger_rule = excluded.trigger_rule,
    status = CASE WHEN $14::boolean THEN 'pending' ELSE t.status END, attempts = CASE WHEN $14::boolean THEN 0 ELSE t.attempts END,
    lost = CASE WHEN $14::boolean THEN 0 ELSE t.lost END, kind = CASE WHEN $14::boolean THEN NULL ELSE t.kind END,
    error = CASE WHEN $14::boolean THEN NULL ELSE t.error END, output = CASE WHEN $14::boolean THEN NULL ELSE t.output END,
    execution_name = CASE WHEN $14::boolean THEN NULL ELSE t.execution_name END,
    retry_at = CASE WHEN $14::boolean THEN NULL ELSE t.retry_at END,
    dispatched_at = CASE WHEN $14::boolean THEN NULL ELSE t.dispatched_at END,
    started_at = CASE WHEN $14::boolean THEN NULL ELSE t.started_at END,
    finished_at = CASE WHEN $14::boolean THEN NULL ELSE t.finished_at END,
    map_count = CASE WHEN $15::boolean THEN NULL ELSE t.map_count END,
    map_first = CASE WHEN $15::boolean THEN NULL ELSE t.map_first END,
    map_items = CASE WHEN $15::boolean THEN NULL ELSE t.map_items END
