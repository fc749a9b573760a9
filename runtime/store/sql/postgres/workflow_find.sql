-- The workflow of a name.
-- params: $1 name
-- columns: id
SELECT id FROM workflows WHERE name = $1::text
