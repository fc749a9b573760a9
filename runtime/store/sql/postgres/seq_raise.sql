-- No scheduler gets a number up to this one any more.
-- params: $1 seq
SELECT setval(pg_get_serial_sequence('schedulers', 'seq'), greatest($1::bigint, nextval(pg_get_serial_sequence('schedulers', 'seq'))))
