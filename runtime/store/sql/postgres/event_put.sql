-- Appends to the histories of runs; the number is the run's next.
-- params: arrays of one length: $1 run id, $2 now, $3 data
INSERT INTO run_events (run_id, seq, at, data)
SELECT u.run_id,
       coalesce((SELECT max(e.seq) FROM run_events e WHERE e.run_id = u.run_id), 0) + row_number() OVER (PARTITION BY u.run_id ORDER BY u.no),
       u.at, u.data
FROM unnest($1::uuid[], $2::timestamptz[], $3::jsonb[]) WITH ORDINALITY AS u (run_id, at, data, no)
