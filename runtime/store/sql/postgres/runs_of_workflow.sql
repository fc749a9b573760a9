-- The run of a workflow that is $2 places behind its newest one (0: the newest).
-- params: $1 workflow name, $2 offset
-- columns: id workflow status created_at
SELECT r.id, w.name AS workflow, r.status, r.created_at
FROM workflows w
JOIN runs r ON r.workflow_id = w.id
WHERE w.name = $1::text AND r.deleted_at IS NULL
ORDER BY r.created_at DESC, r.id DESC
LIMIT 1 OFFSET $2::bigint
