-- A live scheduler gets the next seq, which no scheduler has had.
-- params: $1 scheduler id
-- columns: seq
UPDATE schedulers
SET seq = nextval(pg_get_serial_sequence('schedulers', 'seq'))
WHERE id = $1::uuid AND state = 'live'
RETURNING seq
