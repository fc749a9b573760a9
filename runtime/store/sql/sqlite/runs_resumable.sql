-- Unfinished runs that `ork SCRIPT` may go on with: same workflow, snapshot, params, part and maker. Newest first; who owns them is
-- judged by the caller.
-- params: ?1 workflow id, ?2 snapshot id, ?3 params, ?4 triggered_by, ?5 part, ?6 logical time or NULL for any
-- columns: id
SELECT id
FROM runs INDEXED BY idx_runs_workflow_status
WHERE workflow_id = ?1 AND status IN ('pending', 'running', 'paused')
  AND snapshot_id = ?2 AND params IS ?3 AND triggered_by = coalesce(?4, 'manual') AND part IS ?5
  AND (?6 IS NULL OR logical_at = ?6)
ORDER BY created_at DESC, id DESC
LIMIT 100
