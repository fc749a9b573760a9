-- The first statement of every batch: proves that this scheduler was not overtaken and that no batch is applied twice. Its lock makes a replay
-- wait for its twin, and its error (22012) aborts what was sent behind it: an update of no row would not.
-- params: $1 batch number, $2 seq, $3 scheduler id
WITH f AS (
    UPDATE schedulers
    SET last_batch = $1::bigint, heartbeat_at = clock_timestamp()
    WHERE seq = $2::bigint AND id = $3::uuid AND state = 'live' AND last_batch = $1::bigint - 1
    RETURNING 1
)
SELECT 1 / count(*) FROM f
