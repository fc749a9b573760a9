-- The files that tasks of a run left, in the order of tasks; of a name if it is given.
-- params: $1 run id, $2 name or null
-- columns: task_id task_name task_index name attempt hash bytes created_at
SELECT a.task_id, t.task_name, t.task_index, a.name, a.attempt, a.hash, a.bytes, a.created_at
FROM artifacts a
JOIN tasks t ON t.id = a.task_id
WHERE a.run_id = $1::uuid AND ($2::text IS NULL OR a.name = $2::text)
ORDER BY t.task_index, a.name COLLATE "C"
