-- What is in the schema that tables are made in.
-- columns: tables ours sqlx core standby
SELECT count(*) AS tables,
       coalesce(bool_or(tablename = 'ork_migrations'), false) AS ours,
       coalesce(bool_or(tablename = '_sqlx_migrations'), false) AS sqlx,
       count(*) FILTER (WHERE tablename IN ('workflows', 'runs', 'tasks')) AS core,
       pg_is_in_recovery() AS standby
FROM pg_tables
WHERE schemaname = current_schema()
