-- Takes the next seq, which no scheduler has had.
UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'schedulers'
