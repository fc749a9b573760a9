-- The lock that says this scheduler lives, held by its session. false: somebody holds it.
-- params: $1 key
-- columns: locked
SELECT pg_try_advisory_lock($1::bigint) AS locked
