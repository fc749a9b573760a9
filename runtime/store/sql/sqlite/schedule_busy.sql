-- Unfinished runs that the schedule of a workflow started: what `overlap` is about.
-- params: ?1 workflow id
-- columns: id
SELECT id FROM runs INDEXED BY idx_runs_workflow_status
WHERE workflow_id = ?1 AND status IN ('pending', 'running', 'paused') AND triggered_by = 'schedule' AND deleted_at IS NULL
ORDER BY created_at, id
