-- Tells of a changed run, but only while somebody looks on: he holds a shared lock, so an exclusive one cannot be had.
-- params: $1 key of the lock, $2 channel, $3 who tells
SELECT CASE WHEN pg_try_advisory_lock($1::bigint) THEN pg_advisory_unlock($1::bigint) ELSE pg_notify($2::text, $3::text) IS NULL END
