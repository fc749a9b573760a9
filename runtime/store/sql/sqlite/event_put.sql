-- Appends to a run's history; the number is the run's next.
-- params: ?1 run id, ?2 now, ?3 data
INSERT INTO run_events (run_id, seq, at, data)
VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM run_events WHERE run_id = ?1), ?2, ?3)
