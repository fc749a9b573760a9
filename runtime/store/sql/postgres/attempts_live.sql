-- The current attempts of a run's dispatched and running tasks, and where their agent listens: what recovery must settle. A task
-- without a row here had no attempt of ours (a taken-over database).
-- params: $1 run id
-- columns: task_id attempt status kind exit_code signal error execution_name agent_id host snapshot_id log_path log_bytes started_at
--   finished_at user_ms system_ms max_rss_kb
--   task_index dispatched_at boot_id socket agent_host
SELECT a.task_id, a.attempt, a.status, a.kind, a.exit_code, a.signal, a.error, a.execution_name, a.agent_id, a.host, a.snapshot_id,
       a.log_path, a.log_bytes, a.started_at, a.finished_at, a.user_ms, a.system_ms, a.max_rss_kb,
       t.task_index, t.dispatched_at, g.boot_id, g.socket, g.host AS agent_host
FROM tasks t
JOIN task_attempts a ON a.task_id = t.id AND a.attempt = t.attempt
LEFT JOIN agents g ON g.id = a.agent_id
WHERE t.run_id = $1::uuid AND t.status IN ('dispatched', 'running') AND a.status IN ('dispatched', 'running')
ORDER BY t.task_index
