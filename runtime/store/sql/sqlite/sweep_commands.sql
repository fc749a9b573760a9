-- Removes the first ?2 wishes about a run.
-- params: ?1 run id, ?2 rows
DELETE FROM commands
WHERE id IN (SELECT id FROM commands WHERE run_id = ?1 ORDER BY created_at LIMIT ?2)
