-- How many tasks of a run stand where; not those its definition has no more, nor items of tasks.
-- params: $1 run id
-- columns: status count
SELECT status, count(*) AS count
FROM tasks
WHERE run_id = $1::uuid AND task_index BETWEEN 0 AND 16777215
GROUP BY status
ORDER BY status
