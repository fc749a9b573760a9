-- Runs whose removal began and was interrupted.
-- params: $1 limit
-- columns: id
SELECT id FROM runs WHERE deleted_at IS NOT NULL ORDER BY deleted_at, id LIMIT nullif(greatest($1::bigint, -1), -1)
