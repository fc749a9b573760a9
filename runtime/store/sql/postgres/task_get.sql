-- One task of a run by name, with everything it holds; of items of the same name the newest.
-- params: $1 run id, $2 task name
-- columns: id run_id task_index task_name executor_type depends_on status attempt attempts max_retries lost kind execution_name params
--   error timeout_seconds retry_at dispatched_at started_at finished_at created_at map_index map_parent pool priority trigger_rule
--   map_count map_first
--   output logs
SELECT id, run_id, task_index, task_name, executor_type, depends_on, status, attempt, attempts, max_retries, lost, kind, execution_name,
       params, error, timeout_seconds, retry_at, dispatched_at, started_at, finished_at, created_at, map_index, map_parent, pool,
       priority, trigger_rule, map_count, map_first,
       output, logs
FROM tasks
WHERE run_id = $1::uuid AND task_name = $2::text
ORDER BY task_index DESC
LIMIT 1
