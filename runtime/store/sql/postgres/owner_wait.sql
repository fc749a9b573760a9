-- Comes back when a scheduler's lock has fallen, or by lock_timeout: who waits pins the oldest transaction that vacuum may clean up behind.
-- params: $1 key
SELECT pg_advisory_xact_lock_shared($1::bigint)
