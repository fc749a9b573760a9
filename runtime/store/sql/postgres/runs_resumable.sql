-- Unfinished runs that `ork SCRIPT` may go on with: same workflow, snapshot, params, part and maker. Newest first; who owns them is
-- judged by the caller.
-- params: $1 workflow id, $2 snapshot id, $3 params, $4 triggered_by, $5 part, $6 logical time or NULL for any
-- columns: id
SELECT id
FROM runs
WHERE workflow_id = $1::uuid AND status IN ('pending', 'running', 'paused')
  AND snapshot_id = $2::uuid AND params IS NOT DISTINCT FROM $3::jsonb AND triggered_by = coalesce($4::text, 'manual')
  AND part IS NOT DISTINCT FROM $5::jsonb
  AND ($6::timestamptz IS NULL OR logical_at = $6::timestamptz)
ORDER BY created_at DESC, id DESC
LIMIT 100
