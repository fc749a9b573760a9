-- Removes the first $2 wishes about a run.
-- params: $1 run id, $2 rows
-- columns: rows direct
WITH gone AS (
    DELETE FROM commands
    WHERE id IN (SELECT id FROM commands WHERE run_id = $1::uuid ORDER BY created_at LIMIT nullif(greatest($2::bigint, -1), -1))
    RETURNING 1
)
SELECT count(*) AS rows, count(*) AS direct FROM gone
