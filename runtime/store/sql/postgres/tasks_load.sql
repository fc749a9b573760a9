-- What recovery needs of a run's tasks, by task_index; no texts.
-- params: $1 run id
-- columns: id task_index task_name status attempt attempts lost kind retry_at dispatched_at started_at finished_at execution_name
SELECT id, task_index, task_name, status, attempt, attempts, lost, kind, retry_at, dispatched_at, started_at, finished_at, execution_name
FROM tasks
WHERE run_id = $1::uuid
ORDER BY task_index
