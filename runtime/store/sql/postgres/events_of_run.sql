-- The event history of a run behind a number, a page at a time.
-- params: $1 run id, $2 after seq (0: from the start), $3 limit
-- columns: seq at data
SELECT seq, at, data
FROM run_events
WHERE run_id = $1::uuid AND seq > $2::bigint
ORDER BY seq
LIMIT nullif(greatest($3::bigint, -1), -1)
