-- Workflows by name, a page at a time: applied ones and those known by their runs alone (current_version NULL), with their newest run.
-- params: $1 name or NULL, $2 true: applied ones only, $3 name before the page or NULL, $4 limit
-- columns: id name description current_version versions tasks script_path schedule timezone created_at applied_at runs unfinished last_id last_status
--   last_at retention
SELECT w.id, w.name, w.description, w.current_version,
       (SELECT count(*) FROM workflow_versions WHERE workflow_id = w.id) AS versions,
       coalesce(v.tasks, l.tasks_total) AS tasks, w.script_path, w.schedule, w.timezone, w.created_at, v.applied_at,
       (SELECT count(*) FROM runs r WHERE r.workflow_id = w.id)
       - (SELECT count(*) FROM runs r WHERE r.deleted_at IS NOT NULL AND r.workflow_id = w.id) AS runs,
       (SELECT count(*) FROM runs r WHERE r.workflow_id = w.id AND r.status IN ('pending', 'running', 'paused')) AS unfinished,
       l.id AS last_id, l.status AS last_status, l.created_at AS last_at,
       (SELECT n.options -> 'retention' FROM workflow_snapshots n WHERE n.id = w.current_snapshot_id) AS retention
FROM workflows w
LEFT JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.current_version
LEFT JOIN runs l ON l.id = (SELECT id FROM runs r WHERE r.workflow_id = w.id AND r.deleted_at IS NULL ORDER BY r.created_at DESC, r.id DESC LIMIT 1)
WHERE ($1::text IS NULL OR w.name = $1::text) AND (NOT $2::boolean OR w.current_version IS NOT NULL) AND w.name > coalesce($3::text, '') COLLATE "C"
ORDER BY w.name COLLATE "C"
LIMIT nullif(greatest($4::bigint, -1), -1)
