-- The changing columns of a task with output (when ?13) and logs (when ?15).
-- params: ?1 id, ?2 status, ?3 attempt, ?4 failures, ?5 lost, ?6 kind, ?7 execution_name, ?8 error, ?9 dispatched_at, ?10 started_at,
--   ?11 finished_at, ?12 retry_at, ?13 set output, ?14 output, ?15 set logs, ?16 logs
UPDATE tasks
SET status = ?2, attempt = ?3, attempts = ?4, lost = ?5, kind = ?6, execution_name = ?7, error = ?8, dispatched_at = ?9,
    started_at = ?10, finished_at = ?11, retry_at = ?12,
    output = CASE WHEN ?13 THEN ?14 ELSE output END, logs = CASE WHEN ?15 THEN ?16 ELSE logs END
WHERE id = ?1
