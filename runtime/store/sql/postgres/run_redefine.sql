-- Moves a run that nobody lives on to another definition and to a scheduler: it runs again. Nothing when it is not as it was looked at.
-- params: $1 id, $2 snapshot it has, $3 status it has, $4 new snapshot, $5 params, $6 script_dir, $7 script_path, $8 run timeout in
--   seconds, $9 tasks_total, $10 next_task_index, $11 scheduler id, $12 now
UPDATE runs
SET snapshot_id = $4::uuid, params = $5::jsonb, script_dir = $6::text, script_path = $7::text, run_timeout_seconds = $8::double precision, tasks_total = $9::integer, next_task_index = greatest(coalesce(next_task_index, 0), $10::integer),
    scheduler_id = $11::uuid, status = 'running', started_at = coalesce(started_at, $12::timestamptz), finished_at = NULL, error = NULL, cancel_reason = 0,
    killed = 0
WHERE id = $1::uuid AND snapshot_id = $2::uuid AND status = $3::text
RETURNING 1
