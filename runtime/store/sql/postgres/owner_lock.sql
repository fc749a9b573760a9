-- The lock that says this scheduler lives, held by its session. false: somebody holds it. Beside it one that tells its process, whom nobody waits for.
-- params: $1 key, $2 half of it, $3 pid
-- columns: locked told
SELECT pg_try_advisory_lock($1::bigint) AS locked, pg_try_advisory_lock_shared($2::bigint::integer, $3::bigint::integer) AS told
