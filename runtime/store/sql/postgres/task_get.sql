-- One task of a run by name, with everything it holds; of items (from 16777216 on) only those of the list their
-- task has now.
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
  AND (task_index < 16777216 OR map_parent IS NULL OR EXISTS (
    SELECT 1 FROM tasks of_list
    WHERE of_list.id = tasks.map_parent AND tasks.task_index >= of_list.map_first
      AND tasks.task_index < of_list.map_first + of_list.map_count))
ORDER BY task_index DESC
LIMIT 1
