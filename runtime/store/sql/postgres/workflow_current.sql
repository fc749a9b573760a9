-- A workflow and its current version; without one it is known by its runs alone.
-- params: $1 name
-- columns: id current_version snapshot_id script_path
SELECT w.id, w.current_version, v.snapshot_id, w.script_path
FROM workflows w
LEFT JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.current_version
WHERE w.name = $1::text
