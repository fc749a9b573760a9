-- The definition of a run that needs functions of the program that started it; no row when it needs none.
-- params: ?1 run id
-- columns: hash
SELECT n.content_hash AS hash
FROM runs r
JOIN workflow_snapshots n ON n.id = r.snapshot_id
WHERE r.id = ?1 AND
      (json_extract(n.options, '$.functions') = 'inline' OR EXISTS (SELECT 1 FROM tasks t WHERE t.run_id = r.id AND t.executor_type = 'inline'))
