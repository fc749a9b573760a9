-- Registers a scheduler; its seq is the row number.
-- params: ?1 id, ?2 host, ?3 process id, ?4 version, ?5 now, ?6 role or NULL
INSERT INTO schedulers (id, host, backend_pid, version, state, heartbeat_at, created_at, role)
VALUES (?1, ?2, ?3, ?4, 'live', ?5, ?5, ?6)
