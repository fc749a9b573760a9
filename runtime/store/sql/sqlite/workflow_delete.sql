-- A workflow without runs goes, and what it is made of with it (by its foreign keys).
-- params: ?1 workflow id
DELETE FROM workflows WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE workflow_id = ?1)
