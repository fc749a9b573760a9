-- The run that answers to a key, or that was made for the same scheduled instant.
-- params: $1 workflow id, $2 key or NULL, $3 scheduled_for or NULL
-- columns: id
SELECT id FROM runs WHERE $2::text IS NOT NULL AND workflow_id = $1::uuid AND idempotency_key = $2::text
UNION ALL
SELECT id FROM runs WHERE $3::timestamptz IS NOT NULL AND workflow_id = $1::uuid AND scheduled_for = $3::timestamptz
LIMIT 1
