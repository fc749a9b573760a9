-- runs_list for some statuses of all workflows: the newest of those that are unfinished and of each final status that
-- is wanted, then the newest of those.
-- params: as runs_list; ?1 is NULL
-- columns: as runs_list
SELECT r.id, r.workflow_id, w.name AS workflow, r.status, r.triggered_by, r.priority, r.idempotency_key, r.error, r.created_at,
       r.started_at, r.finished_at, r.scheduled_for, r.logical_at, r.tasks_total, r.next_task_index, r.snapshot_id, r.script_dir,
       r.script_path, r.cancel_reason, r.killed, r.rerun_of, r.part, r.parent_task_id, r.scheduler_id,
       CAST(round(r.run_timeout_seconds * 1000) AS INTEGER) AS run_timeout_ms,
       s.state AS owner_state, s.host AS owner_host, s.backend_pid AS owner_pid
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
LEFT JOIN schedulers s ON s.id = r.scheduler_id
WHERE ?1 IS NULL AND r.rowid IN (
    SELECT rowid FROM (
        SELECT rowid FROM runs INDEXED BY idx_runs_open
        WHERE status IN ('pending', 'running', 'paused') AND instr(',' || ?2 || ',', ',' || status || ',') > 0
          AND created_at >= coalesce(?3, '') AND (created_at, id) < (coalesce(?4, '~'), coalesce(?5, x'ff'))
        ORDER BY created_at DESC, id DESC LIMIT ?6)
    UNION ALL
    SELECT rowid FROM (
        SELECT rowid FROM runs INDEXED BY idx_runs_ended
        WHERE deleted_at IS NULL AND status IN ('success', 'failed', 'cancelled') AND status = 'success' AND instr(',' || ?2 || ',', ',success,') > 0
          AND created_at >= coalesce(?3, '') AND (created_at, id) < (coalesce(?4, '~'), coalesce(?5, x'ff'))
        ORDER BY created_at DESC, id DESC LIMIT ?6)
    UNION ALL
    SELECT rowid FROM (
        SELECT rowid FROM runs INDEXED BY idx_runs_ended
        WHERE deleted_at IS NULL AND status IN ('success', 'failed', 'cancelled') AND status = 'failed' AND instr(',' || ?2 || ',', ',failed,') > 0
          AND created_at >= coalesce(?3, '') AND (created_at, id) < (coalesce(?4, '~'), coalesce(?5, x'ff'))
        ORDER BY created_at DESC, id DESC LIMIT ?6)
    UNION ALL
    SELECT rowid FROM (
        SELECT rowid FROM runs INDEXED BY idx_runs_ended
        WHERE deleted_at IS NULL AND status IN ('success', 'failed', 'cancelled') AND status = 'cancelled' AND instr(',' || ?2 || ',', ',cancelled,') > 0
          AND created_at >= coalesce(?3, '') AND (created_at, id) < (coalesce(?4, '~'), coalesce(?5, x'ff'))
        ORDER BY created_at DESC, id DESC LIMIT ?6)
)
ORDER BY r.created_at DESC, r.id DESC
LIMIT ?6
