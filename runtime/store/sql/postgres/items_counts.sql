-- How many items of a task that have a row stand where.
-- params: $1 run id, $2 first task_index, $3 last one
-- columns: status count
SELECT status, count(*) AS count
FROM tasks
WHERE run_id = $1::uuid AND task_index BETWEEN $2::integer AND $3::integer
GROUP BY status
ORDER BY status
