-- An attempt as it is now; replaces what was known of it.
-- params: ?1 task id, ?2 attempt, ?3 status, ?4 kind, ?5 exit_code, ?6 signal, ?7 error, ?8 execution_name, ?9 agent id, ?10 host,
--   ?11 snapshot id, ?12 log path, ?13 log bytes, ?14 started_at, ?15 finished_at, ?16 user_ms, ?17 system_ms, ?18 max_rss_kb
INSERT OR REPLACE INTO task_attempts (task_id, attempt, status, kind, exit_code, signal, error, execution_name, agent_id, host, snapshot_id,
                                      log_path, log_bytes, started_at, finished_at, user_ms, system_ms, max_rss_kb)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
