-- An item of a task: its row is made by its first change, what it has of the task's definition comes from the task's row.
-- params: ?1 id, ?2 status, ?3 attempt, ?4 failures, ?5 lost, ?6 kind, ?7 execution_name, ?8 error, ?9 dispatched_at, ?10 started_at,
--   ?11 finished_at, ?12 retry_at, ?13 set output, ?14 output, ?15 set logs, ?16 logs, ?17 task_index, ?18 number in the list, ?19 id of the task
INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, status, attempt, attempts, lost, kind, execution_name, error,
                   dispatched_at, started_at, finished_at, retry_at, output, logs, max_retries, timeout_seconds, pool, priority,
                   map_index, map_parent, created_at)
SELECT ?1, p.run_id, ?17, p.task_name || '/' || ?18, p.executor_type, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
       ?9, ?10, ?11, ?12, CASE WHEN ?13 THEN ?14 END, CASE WHEN ?15 THEN ?16 END, p.max_retries, p.timeout_seconds, p.pool, p.priority,
       ?18, p.id, coalesce(p.started_at, p.created_at)
FROM tasks p
WHERE p.id = ?19
ON CONFLICT (id) DO UPDATE
SET status = ?2, attempt = ?3, attempts = ?4, lost = ?5, kind = ?6, execution_name = ?7, error = ?8, dispatched_at = ?9,
    started_at = ?10, finished_at = ?11, retry_at = ?12,
    output = CASE WHEN ?13 THEN ?14 ELSE output END, logs = CASE WHEN ?15 THEN ?16 ELSE logs END
