-- The definition of a run that needs functions of the program that started it, for itself or for a workflow that its
-- tasks run; no row when it needs none.
-- params: ?1 run id
-- columns: hash
SELECT n.content_hash AS hash
FROM runs r
JOIN workflow_snapshots n ON n.id = r.snapshot_id
WHERE r.id = ?1 AND
      (json_extract(n.options, '$.functions') = 'inline' OR json_extract(n.options, '$.inline_within') OR
       EXISTS (SELECT 1 FROM tasks t WHERE t.run_id = r.id AND t.executor_type = 'inline'))
