-- Schedulers that are live by their row; whether they are is asked of their locks.
-- params: none
-- columns: id host role heartbeat_at
SELECT id, host, role, heartbeat_at FROM schedulers WHERE state = 'live' ORDER BY seq
