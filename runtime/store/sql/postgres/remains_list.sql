-- Removed runs whose log folders may still be there, a page at a time.
-- params: $1 run id before the page or NULL, $2 limit
-- columns: run_id dir
SELECT run_id, dir FROM run_remains WHERE run_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000') ORDER BY run_id LIMIT nullif(greatest($2::bigint, -1), -1)
