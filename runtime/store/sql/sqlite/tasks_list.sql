-- Tasks of a run by task_index, a page at a time; all columns but output and logs. No items.
-- params: ?1 run id, ?2 statuses "failed,skipped" or NULL; "waiting" as tasks_counts counts them, ?3 task_index before this page or NULL, ?4 limit
-- columns: id run_id task_index task_name executor_type depends_on status attempt attempts max_retries lost kind execution_name params
--   error timeout_seconds retry_at dispatched_at started_at finished_at created_at map_index map_parent pool priority trigger_rule
--   map_count map_first
SELECT id, run_id, task_index, task_name, executor_type, depends_on, status, attempt, attempts, max_retries, lost, kind, execution_name,
       params, error, timeout_seconds, retry_at, dispatched_at, started_at, finished_at, created_at, map_index, map_parent, pool,
       priority, trigger_rule, map_count, map_first
FROM tasks
WHERE run_id = ?1
  AND task_index > coalesce(?3, -1) AND task_index < 16777216
  AND (?2 IS NULL OR instr(',' || ?2 || ',', ',' || status || ',') > 0
    OR (status = 'running' AND instr(',' || ?2 || ',', ',waiting,') > 0 AND (EXISTS (SELECT 1 FROM deferred_jobs d WHERE d.task_id = tasks.id AND d.status IN ('pending', 'polling')) OR (
      SELECT count(*) > 0 AND count(*) = sum(CASE WHEN i.status = 'running' AND EXISTS (SELECT 1 FROM deferred_jobs d WHERE d.task_id = i.id AND d.status IN ('pending', 'polling')) THEN 1 ELSE 0 END)
      FROM tasks i
      WHERE i.run_id = tasks.run_id AND i.task_index BETWEEN tasks.map_first AND tasks.map_first + tasks.map_count - 1
        AND i.status IN ('dispatched', 'running')))))
ORDER BY task_index
LIMIT ?4
