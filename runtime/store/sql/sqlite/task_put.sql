-- The changing columns of a task but output and logs.
-- params: ?1 id, ?2 status, ?3 attempt, ?4 failures, ?5 lost, ?6 kind, ?7 execution_name, ?8 error, ?9 dispatched_at, ?10 started_at,
--   ?11 finished_at, ?12 retry_at
UPDATE tasks
SET status = ?2, attempt = ?3, attempts = ?4, lost = ?5, kind = ?6, execution_name = ?7, error = ?8, dispatched_at = ?9,
    started_at = ?10, finished_at = ?11, retry_at = ?12
WHERE id = ?1
