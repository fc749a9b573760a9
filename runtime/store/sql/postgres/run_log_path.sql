-- Where some attempt of a run has its log.
-- params: $1 run id
-- columns: log_path
SELECT a.log_path
FROM tasks t
JOIN task_attempts a ON a.task_id = t.id
WHERE t.run_id = $1::uuid AND a.log_path IS NOT NULL
LIMIT 1
