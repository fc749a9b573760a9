-- A snapshot with the name of its workflow.
-- params: $1 snapshot id
-- columns: id workflow_id name tasks_json options source hash created_at
SELECT n.id, n.workflow_id, w.name, n.tasks_json, n.options, n.source, n.content_hash AS hash, n.created_at
FROM workflow_snapshots n
JOIN workflows w ON w.id = n.workflow_id
WHERE n.id = $1::uuid
