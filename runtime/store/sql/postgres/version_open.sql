-- The definition of a version with its sources; $2 0: of the current one.
-- params: $1 workflow name, $2 version or 0
-- columns: name version tasks_json options source hash script_dir script_path
SELECT w.name, v.version, n.tasks_json, n.options, n.source, n.content_hash AS hash, v.script_dir, v.script_path
FROM workflows w
JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = CASE WHEN $2::integer = 0 THEN w.current_version ELSE $2::integer END
JOIN workflow_snapshots n ON n.id = v.snapshot_id
WHERE w.name = $1::text
