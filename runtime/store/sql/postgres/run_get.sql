-- One run with its workflow's name and the row of its owner.
-- params: $1 run id
-- columns: id workflow_id workflow status triggered_by priority idempotency_key error created_at started_at finished_at
--   scheduled_for logical_at tasks_total next_task_index snapshot_id script_dir script_path cancel_reason killed rerun_of part
--   parent_task_id scheduler_id run_timeout_ms owner_state owner_host owner_pid params output description
SELECT r.id, r.workflow_id, w.name AS workflow, r.status, r.triggered_by, r.priority, r.idempotency_key, r.error, r.created_at,
       r.started_at, r.finished_at, r.scheduled_for, r.logical_at, r.tasks_total, r.next_task_index, r.snapshot_id, r.script_dir,
       r.script_path, r.cancel_reason, r.killed, r.rerun_of, r.part, r.parent_task_id, r.scheduler_id,
       round(r.run_timeout_seconds * 1000)::bigint AS run_timeout_ms,
       s.state AS owner_state, s.host AS owner_host, s.backend_pid AS owner_pid,
       r.params, r.output, w.description
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
LEFT JOIN schedulers s ON s.id = r.scheduler_id
WHERE r.id = $1::uuid AND r.deleted_at IS NULL
