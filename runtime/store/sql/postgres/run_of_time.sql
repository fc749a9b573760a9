-- The run of a workflow that was made for a scheduled instant.
-- params: $1 workflow name, $2 scheduled_for
-- columns: id
SELECT r.id
FROM workflows w
JOIN runs r ON r.workflow_id = w.id AND r.scheduled_for = $2::timestamptz
WHERE w.name = $1::text AND r.deleted_at IS NULL
