-- Outputs of a run's tasks by task_index, a page at a time; tasks without one are left out, and items.
-- params: ?1 run id, ?2 task_index before this page, ?3 limit
-- columns: task_index task_name output
SELECT task_index, task_name, output
FROM tasks
WHERE run_id = ?1 AND task_index > ?2 AND task_index < 16777216 AND output IS NOT NULL
ORDER BY task_index
LIMIT ?3
