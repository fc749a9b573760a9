-- Items of a task that have a row, as far as recovery needs them, a page at a time by task_index.
-- params: ?1 run id, ?2 first task_index of the page, ?3 last one of the task, ?4 limit
-- columns: task_index status attempt attempts lost kind retry_at finished_at
SELECT task_index, status, attempt, attempts, lost, kind, retry_at, finished_at
FROM tasks
WHERE run_id = ?1 AND task_index BETWEEN ?2 AND ?3
ORDER BY task_index
LIMIT ?4
