-- How many tasks of a run stand where.
-- params: ?1 run id
-- columns: status count
SELECT status, count(*) AS count
FROM tasks
WHERE run_id = ?1
GROUP BY status
ORDER BY status
