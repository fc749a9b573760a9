-- A task of a run as its new definition has it: a new row, or one that is there, at its place. ?14: pending, whatever it was.
-- params: ?1 id, ?2 run id, ?3 task_index, ?4 name, ?5 executor, ?6 depends_on JSON, ?7 params JSON, ?8 max_retries,
--   ?9 timeout in seconds, ?10 pool, ?11 priority, ?12 trigger rule, ?13 now, ?14 run it again, ?15 by a new list
INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, depends_on, status, params, max_retries, timeout_seconds, pool,
                   priority, trigger_rule, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (id) DO UPDATE
SET task_index = ?3, task_name = ?4, executor_type = ?5, depends_on = ?6, params = ?7, max_retries = ?8, timeout_seconds = ?9, pool = ?10,
    priority = ?11, trigger_rule = ?12,
    status = CASE WHEN ?14 THEN 'pending' ELSE status END, attempts = CASE WHEN ?14 THEN 0 ELSE attempts END,
    lost = CASE WHEN ?14 THEN 0 ELSE lost END, kind = CASE WHEN ?14 THEN NULL ELSE kind END,
    error = CASE WHEN ?14 THEN NULL ELSE error END, output = CASE WHEN ?14 THEN NULL ELSE output END,
    execution_name = CASE WHEN ?14 THEN NULL ELSE execution_name END, retry_at = CASE WHEN ?14 THEN NULL ELSE retry_at END,
    dispatched_at = CASE WHEN ?14 THEN NULL ELSE dispatched_at END, started_at = CASE WHEN ?14 THEN NULL ELSE started_at END,
    finished_at = CASE WHEN ?14 THEN NULL ELSE finished_at END, map_count = CASE WHEN ?15 THEN NULL ELSE map_count END,
    map_first = CASE WHEN ?15 THEN NULL ELSE map_first END, map_items = CASE WHEN ?15 THEN NULL ELSE map_items END
