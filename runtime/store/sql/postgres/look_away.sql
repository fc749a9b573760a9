-- He looks on no more.
-- params: $1 key
SELECT pg_advisory_unlock_shared($1::bigint)
