-- Schedulers that are live by their row; whether they are is asked of their locks.
-- params: none
-- columns: id host role heartbeat_at pid
SELECT id, host, role, heartbeat_at, backend_pid AS pid FROM schedulers WHERE state = 'live' ORDER BY seq
