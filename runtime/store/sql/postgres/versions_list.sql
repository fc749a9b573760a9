-- The versions of a workflow, newest number first, with how many runs each has.
-- params: $1 workflow name
-- columns: version current hash tasks script_path created_at applied_at by runs
SELECT v.version, v.version IS NOT DISTINCT FROM w.current_version AS current, n.content_hash AS hash, v.tasks, v.script_path, v.created_at, v.applied_at, v."by",
       (SELECT count(*) FROM runs r WHERE r.snapshot_id = v.snapshot_id AND r.deleted_at IS NULL) AS runs
FROM workflows w
JOIN workflow_versions v ON v.workflow_id = w.id
LEFT JOIN workflow_snapshots n ON n.id = v.snapshot_id
WHERE w.name = $1::text
ORDER BY v.version DESC
