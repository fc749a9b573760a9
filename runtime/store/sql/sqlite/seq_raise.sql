-- No scheduler gets a number up to this one any more.
-- params: ?1 seq
UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'schedulers'
