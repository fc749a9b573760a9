-- A workflow without runs goes, and what it is made of with it (by its foreign keys).
-- params: $1 workflow id
-- columns: id
WITH freed AS (
    DELETE FROM workflow_versions WHERE workflow_id = $1::uuid AND NOT EXISTS (SELECT 1 FROM runs WHERE workflow_id = $1::uuid)
)
DELETE FROM workflows WHERE id = $1::uuid AND NOT EXISTS (SELECT 1 FROM runs WHERE workflow_id = $1::uuid)
RETURNING id
