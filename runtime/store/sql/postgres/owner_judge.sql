-- Is a scheduler, live by its row, dead? By its lock, which falls with its session, or by its beat: 10 s without one. Both only after the server itself
-- has been up for 10 s, so that all could come back to it. NULL lock: behind a pooler there is none.
-- params: $1 id, $2 key
-- columns: live stale free
SELECT state = 'live' AS live,
       heartbeat_at < clock_timestamp() - interval '10 s' AND clock_timestamp() - pg_postmaster_start_time() > interval '10 s' AS stale,
       backend_pid IS NOT NULL AND clock_timestamp() - pg_postmaster_start_time() > interval '10 s'
       AND pg_try_advisory_xact_lock_shared($2::bigint) AS free
FROM schedulers
WHERE id = $1::uuid
