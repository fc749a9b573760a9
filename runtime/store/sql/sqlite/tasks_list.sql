-- Tasks of a run by task_index, a page at a time; all columns but output and logs. No items.
-- params: ?1 run id, ?2 statuses "failed,skipped" or NULL, ?3 task_index before this page or NULL, ?4 limit
-- columns: id run_id task_index task_name executor_type depends_on status attempt attempts max_retries lost kind execution_name params
--   error timeout_seconds retry_at dispatched_at started_at finished_at created_at map_index map_parent pool priority trigger_rule
--   map_count map_first
SELECT id, run_id, task_index, task_name, executor_type, depends_on, status, attempt, attempts, max_retries, lost, kind, execution_name,
       params, error, timeout_seconds, retry_at, dispatched_at, started_at, finished_at, created_at, map_index, map_parent, pool,
       priority, trigger_rule, map_count, map_first
FROM tasks
WHERE run_id = ?1
  AND task_index > coalesce(?3, -1) AND task_index < 16777216
  AND (?2 IS NULL OR instr(',' || ?2 || ',', ',' || status || ',') > 0)
ORDER BY task_index
LIMIT ?4
