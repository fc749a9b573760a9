-- Unfinished runs that nobody owns, or whose owner is no live scheduler by its row. Whether a live one still breathes is asked
-- of its lock, not of the database.
-- params: none
-- columns: as run_get without params, output, description
SELECT r.id, r.workflow_id, w.name AS workflow, r.status, r.triggered_by, r.priority, r.idempotency_key, r.error, r.created_at,
       r.started_at, r.finished_at, r.scheduled_for, r.logical_at, r.tasks_total, r.next_task_index, r.snapshot_id, r.script_dir,
       r.script_path, r.cancel_reason, r.killed, r.rerun_of, r.part, r.parent_task_id, r.scheduler_id,
       CAST(round(r.run_timeout_seconds * 1000) AS INTEGER) AS run_timeout_ms,
       s.state AS owner_state, s.host AS owner_host, s.backend_pid AS owner_pid
FROM runs r INDEXED BY idx_runs_open
JOIN workflows w ON w.id = r.workflow_id
LEFT JOIN schedulers s ON s.id = r.scheduler_id
WHERE r.status IN ('pending', 'running', 'paused') AND (r.scheduler_id IS NULL OR s.state IS NOT 'live')
ORDER BY r.created_at, r.id
