-- What recovery needs of a run's tasks, by task_index; no texts, no items.
-- params: ?1 run id
-- columns: id task_index task_name status attempt attempts lost kind retry_at dispatched_at started_at finished_at execution_name
--   map_count map_first
SELECT id, task_index, task_name, status, attempt, attempts, lost, kind, retry_at, dispatched_at, started_at, finished_at, execution_name,
       map_count, map_first
FROM tasks
WHERE run_id = ?1 AND task_index < 16777216
ORDER BY task_index
