-- Registers a scheduler; its seq is the next number, its times the server's, its backend the session that writes for it (NULL: behind a pooler,
-- where it changes and holds no lock).
-- params: $1 id, $2 host, $3 backend pid or NULL, $4 version, $5 role or NULL
-- columns: seq
INSERT INTO schedulers (id, host, backend_pid, version, state, heartbeat_at, created_at, role)
VALUES ($1::uuid, $2::text, $3::integer, $4::text, 'live', clock_timestamp(), clock_timestamp(), $5::text)
RETURNING seq
