-- Removes the first ?2 events of a run.
-- params: ?1 run id, ?2 rows
DELETE FROM run_events
WHERE run_id = ?1 AND seq IN (SELECT seq FROM run_events WHERE run_id = ?1 ORDER BY seq LIMIT ?2)
