-- Somebody looks on: held by his session.
-- params: $1 key
SELECT pg_advisory_lock_shared($1::bigint)
