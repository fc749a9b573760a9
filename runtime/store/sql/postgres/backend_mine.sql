-- The session that answers, as the server knows it.
-- columns: pid
SELECT pg_backend_pid() AS pid
