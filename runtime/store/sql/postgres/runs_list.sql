-- Runs of all workflows and statuses, newest first, a page at a time: the next page starts after the last (created_at, id).
-- 'infinity' and the last id are behind all others: plain comparisons, that the index can start from.
-- params: $1 workflow name or NULL, $2 statuses "failed,cancelled" or NULL, $3 created since or NULL,
--   $4 created_at and $5 id of the row before this page or NULL, $6 limit. Here $1 and $2 are NULL: with a workflow, statuses or both the
--   statements runs_list_of_… are taken, to the index that fits.
-- columns: as run_get without params, output, description
SELECT r.id, r.workflow_id, w.name AS workflow, r.status, r.triggered_by, r.priority, r.idempotency_key, r.error, r.created_at,
       r.started_at, r.finished_at, r.scheduled_for, r.logical_at, r.tasks_total, r.next_task_index, r.snapshot_id, r.script_dir,
       r.script_path, r.cancel_reason, r.killed, r.rerun_of, r.part, r.parent_task_id, r.scheduler_id,
       round(r.run_timeout_seconds * 1000)::bigint AS run_timeout_ms,
       s.state AS owner_state, s.host AS owner_host, s.backend_pid AS owner_pid
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
LEFT JOIN schedulers s ON s.id = r.scheduler_id
WHERE $1::text IS NULL AND $2::text IS NULL AND r.deleted_at IS NULL
  AND r.created_at >= coalesce($3::timestamptz, '-infinity')
  AND (r.created_at, r.id) < (coalesce($4::timestamptz, 'infinity'), coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
ORDER BY r.created_at DESC, r.id DESC
LIMIT nullif(greatest($6::bigint, -1), -1)
