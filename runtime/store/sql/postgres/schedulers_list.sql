-- Schedulers that are live by their row; whether they are is asked of their locks. pid: none, as backend_pid is one of the server.
-- params: none
-- columns: id host role heartbeat_at pid
SELECT id, host, role, heartbeat_at, NULL::bigint AS pid FROM schedulers WHERE state = 'live' ORDER BY seq
