-- The finished run of a workflow that is $2 places behind its newest finished one (0: that one).
-- params: $1 workflow id, $2 offset
-- columns: id created_at
SELECT id, created_at
FROM runs
WHERE workflow_id = $1::uuid AND status IN ('success', 'failed', 'cancelled') AND deleted_at IS NULL
ORDER BY created_at DESC, id DESC
LIMIT 1 OFFSET $2::bigint
