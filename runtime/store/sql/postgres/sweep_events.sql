-- Removes the first $2 events of a run.
-- params: $1 run id, $2 rows
-- columns: rows direct
WITH gone AS (
    DELETE FROM run_events
    WHERE run_id = $1::uuid AND seq IN (SELECT seq FROM run_events WHERE run_id = $1::uuid ORDER BY seq LIMIT nullif(greatest($2::bigint, -1), -1))
    RETURNING 1
)
SELECT count(*) AS rows, count(*) AS direct FROM gone
