-- How many workflows the script of a run gave; NULL for a definition of a host program.
-- params: $1 run id
-- columns: workflows
SELECT CASE jsonb_typeof(n.source -> 'workflows') WHEN 'array' THEN jsonb_array_length(n.source -> 'workflows') END AS workflows
FROM runs r
JOIN workflow_snapshots n ON n.id = r.snapshot_id
WHERE r.id = $1::uuid
