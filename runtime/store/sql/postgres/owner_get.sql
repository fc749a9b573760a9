-- A scheduler's row.
-- params: $1 scheduler id
-- columns: id seq host agent_id backend_pid version state last_batch heartbeat_at created_at
SELECT id, seq, host, agent_id, backend_pid, version, state, last_batch, heartbeat_at, created_at
FROM schedulers
WHERE id = $1::uuid
