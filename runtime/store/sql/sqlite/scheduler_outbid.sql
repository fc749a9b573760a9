-- A live scheduler gets the seq that was taken last.
-- params: ?1 scheduler id
-- columns: seq
UPDATE schedulers
SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'schedulers')
WHERE id = ?1 AND state = 'live'
RETURNING seq
