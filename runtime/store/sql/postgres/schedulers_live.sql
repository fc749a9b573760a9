-- Schedulers that are live by their row, other than one.
-- params: $1 scheduler id to leave out
-- columns: id
SELECT id FROM schedulers WHERE state = 'live' AND id IS DISTINCT FROM $1::uuid ORDER BY seq
