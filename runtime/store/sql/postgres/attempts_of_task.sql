-- The attempts of a task, oldest first.
-- params: $1 task id
-- columns: task_id attempt status kind exit_code signal error execution_name agent_id host snapshot_id log_path log_bytes started_at
--   finished_at user_ms system_ms max_rss_kb
SELECT a.task_id, a.attempt, a.status, a.kind, a.exit_code, a.signal, a.error, a.execution_name, a.agent_id, a.host, a.snapshot_id,
       a.log_path, a.log_bytes, a.started_at, a.finished_at, a.user_ms, a.system_ms, a.max_rss_kb
FROM task_attempts a
WHERE a.task_id = $1::uuid
ORDER BY a.attempt
