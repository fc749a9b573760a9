-- The first statement of every batch: proves that this scheduler was not overtaken and that no batch is applied twice. No row
-- changed: the batch must be rolled back.
-- params: ?1 batch number, ?2 now, ?3 seq, ?4 scheduler id
UPDATE schedulers
SET last_batch = ?1, heartbeat_at = ?2
WHERE seq = ?3 AND id = ?4 AND state = 'live' AND last_batch = ?1 - 1
