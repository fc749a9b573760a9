-- The process of a scheduler of this host, by the lock that tells it (owner_lock). No row: it is elsewhere, or older than that lock.
-- params: $1 scheduler id, $2 half of its key, $3 my id
-- columns: pid
SELECT l.objid::bigint AS pid
FROM schedulers s
JOIN schedulers me ON me.id = $3::uuid AND me.host = s.host
JOIN pg_locks l ON l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.classid::bigint = $2::bigint
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
WHERE s.id = $1::uuid
