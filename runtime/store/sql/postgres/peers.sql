-- How the schedulers stand that somebody waits for.
-- params: $1 array of scheduler ids
-- columns: id live age_ms
SELECT id, state = 'live' AS live, (extract(epoch FROM clock_timestamp() - heartbeat_at) * 1000)::bigint AS age_ms
FROM schedulers
WHERE id = ANY ($1::uuid[])
