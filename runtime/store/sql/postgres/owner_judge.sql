-- Is a scheduler, live by its row, dead? By its lock, which falls with its session, or by its beat: 10 s without one. Both only after the server itself
-- has been up for 10 s, so that all could come back to it. NULL lock: behind a pooler there is none.
-- Until then early_ms says how long it is, if nobody holds the lock. It is looked at and not taken: its owner may be coming back.
-- params: $1 id, $2 key
-- columns: live stale free early_ms
SELECT state = 'live' AS live,
       heartbeat_at < clock_timestamp() - interval '10 s' AND clock_timestamp() - pg_postmaster_start_time() > interval '10 s' AS stale,
       backend_pid IS NOT NULL AND clock_timestamp() - pg_postmaster_start_time() > interval '10 s'
       AND pg_try_advisory_xact_lock_shared($2::bigint) AS free,
       CASE WHEN state = 'live' AND backend_pid IS NOT NULL AND clock_timestamp() - pg_postmaster_start_time() <= interval '10 s'
         AND NOT EXISTS (
           SELECT FROM pg_locks
           WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = $2::bigint
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
         THEN 1 + ceil(extract(epoch FROM pg_postmaster_start_time() + interval '10 s' - clock_timestamp()) * 1000)::bigint
         ELSE 0
       END AS early_ms
FROM schedulers
WHERE id = $1::uuid
