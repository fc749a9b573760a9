-- How many tasks of a run stand where; not those its definition has no more.
-- params: $1 run id
-- columns: status count
SELECT status, count(*) AS count
FROM tasks
WHERE run_id = $1::uuid AND task_index >= 0
GROUP BY status
ORDER BY status
