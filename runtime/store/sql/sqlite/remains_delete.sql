-- The folder is gone.
-- params: ?1 run id
DELETE FROM run_remains WHERE run_id = ?1
