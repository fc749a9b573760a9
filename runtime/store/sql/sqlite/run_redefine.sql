-- Moves a run that nobody lives on to another definition and to a scheduler: it runs again. Nothing when it is not as it was looked at.
-- params: ?1 id, ?2 snapshot it has, ?3 status it has, ?4 new snapshot, ?5 params, ?6 script_dir, ?7 script_path, ?8 run timeout in
--   seconds, ?9 tasks_total, ?10 next_task_index, ?11 scheduler id, ?12 now
UPDATE runs
SET snapshot_id = ?4, params = ?5, script_dir = ?6, script_path = ?7, run_timeout_seconds = ?8, tasks_total = ?9, next_task_index = max(coalesce(next_task_index, 0), ?10),
    scheduler_id = ?11, status = 'running', started_at = coalesce(started_at, ?12), finished_at = NULL, error = NULL, cancel_reason = 0,
    killed = 0
WHERE id = ?1 AND snapshot_id = ?2 AND status = ?3
RETURNING 1
