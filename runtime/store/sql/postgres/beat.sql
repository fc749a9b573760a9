-- One statement per 5 s: renews this scheduler's beat and tells how long ago the others' were. No row of its own: it was declared dead.
-- params: $1 scheduler id
-- columns: id age_ms mine
WITH mine AS (
    UPDATE schedulers SET heartbeat_at = clock_timestamp() WHERE id = $1::uuid AND state = 'live' RETURNING id
)
SELECT id, 0::bigint AS age_ms, true AS mine FROM mine
UNION ALL
SELECT id, (extract(epoch FROM clock_timestamp() - heartbeat_at) * 1000)::bigint, false FROM schedulers WHERE state = 'live' AND id <> $1::uuid
