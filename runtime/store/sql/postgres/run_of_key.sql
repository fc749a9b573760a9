-- The run of a workflow that answers to a key.
-- params: $1 workflow name, $2 key
-- columns: id
SELECT r.id
FROM workflows w
JOIN runs r ON r.workflow_id = w.id
WHERE w.name = $1::text AND r.idempotency_key = $2::text AND r.deleted_at IS NULL
