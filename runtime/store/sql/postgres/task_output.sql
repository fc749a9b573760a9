-- What a task left for those that refer to it.
-- params: $1 run id, $2 task_index
-- columns: status output error
SELECT status, output, error
FROM tasks
WHERE run_id = $1::uuid AND task_index = $2::integer
