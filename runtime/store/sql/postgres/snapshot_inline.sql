-- The definition of a run whose tasks are functions of the program that started it; no row when none is.
-- params: $1 run id
-- columns: hash
SELECT n.content_hash AS hash
FROM runs r
JOIN workflow_snapshots n ON n.id = r.snapshot_id
WHERE r.id = $1::uuid AND EXISTS (SELECT 1 FROM tasks t WHERE t.run_id = r.id AND t.executor_type = 'inline')
