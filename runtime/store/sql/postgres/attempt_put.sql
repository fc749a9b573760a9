-- Attempts as they are now; each replaces what was known of it.
-- params: arrays of one length: $1 task id, $2 attempt, $3 status, $4 kind, $5 exit_code, $6 signal, $7 error, $8 execution_name, $9 agent id,
--   $10 host, $11 snapshot id, $12 log path, $13 log bytes, $14 started_at, $15 finished_at, $16 user_ms, $17 system_ms, $18 max_rss_kb
INSERT INTO task_attempts (task_id, attempt, status, kind, exit_code, signal, error, execution_name, agent_id, host, snapshot_id,
                           log_path, log_bytes, started_at, finished_at, user_ms, system_ms, max_rss_kb)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::text[], $9::uuid[],
                     $10::text[], $11::uuid[], $12::text[], $13::bigint[], $14::timestamptz[], $15::timestamptz[], $16::bigint[],
                     $17::bigint[], $18::bigint[])
ON CONFLICT (task_id, attempt) DO UPDATE
SET status = excluded.status, kind = excluded.kind, exit_code = excluded.exit_code, signal = excluded.signal, error = excluded.error,
    execution_name = excluded.execution_name, agent_id = excluded.agent_id, host = excluded.host, snapshot_id = excluded.snapshot_id,
    log_path = excluded.log_path, log_bytes = excluded.log_bytes, started_at = excluded.started_at, finished_at = excluded.finished_at,
    user_ms = excluded.user_ms, system_ms = excluded.system_ms, max_rss_kb = excluded.max_rss_kb
