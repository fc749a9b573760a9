-- Items that did not succeed are pending again; what was tried stays in their attempts, and a retry they waited for is now.
-- params: $1 run id, $2 first task_index, $3 last one
UPDATE tasks
SET status = 'pending', attempts = 0, lost = 0, kind = NULL, error = NULL, execution_name = NULL, retry_at = NULL, dispatched_at = NULL,
    started_at = NULL, finished_at = NULL
WHERE run_id = $1::uuid AND task_index BETWEEN $2::integer AND $3::integer AND status IN ('pending', 'failed', 'skipped', 'cancelled')
