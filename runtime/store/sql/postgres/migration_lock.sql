-- Who migrates does so alone.
-- params: $1 key
SELECT pg_advisory_lock($1::bigint)
