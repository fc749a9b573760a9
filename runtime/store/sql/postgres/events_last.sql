-- Where the history of a run stands.
-- params: $1 run id
-- columns: seq
SELECT coalesce(max(seq), 0) AS seq FROM run_events WHERE run_id = $1::uuid
