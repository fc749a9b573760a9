-- Items of a task that have a row, a page at a time by task_index; columns as of tasks_list.
-- params: ?1 run id, ?2 statuses "failed,skipped" or NULL; "waiting" for a deferred job, ?3 first task_index of the page, ?4 last one of the task, ?5 limit
-- columns: id run_id task_index task_name executor_type depends_on status attempt attempts max_retries lost kind execution_name params
--   error timeout_seconds retry_at dispatched_at started_at finished_at created_at map_index map_parent pool priority trigger_rule
--   map_count map_first
SELECT id, run_id, task_index, task_name, executor_type, depends_on, status, attempt, attempts, max_retries, lost, kind, execution_name,
       params, error, timeout_seconds, retry_at, dispatched_at, started_at, finished_at, created_at, map_index, map_parent, pool,
       priority, trigger_rule, map_count, map_first
FROM tasks
WHERE run_id = ?1
  AND task_index BETWEEN ?3 AND ?4
  AND (?2 IS NULL OR instr(',' || ?2 || ',', ',' || status || ',') > 0
    OR (status = 'running' AND instr(',' || ?2 || ',', ',waiting,') > 0 AND EXISTS (SELECT 1 FROM deferred_jobs d WHERE d.task_id = tasks.id AND d.status IN ('pending', 'polling'))))
ORDER BY task_index
LIMIT ?5
