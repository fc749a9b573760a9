-- May a run be removed? Its end, and whether its removal has begun.
-- params: $1 run id
-- columns: status finished_at deleted
SELECT status, coalesce(finished_at, created_at), deleted_at IS NOT NULL FROM runs WHERE id = $1::uuid
