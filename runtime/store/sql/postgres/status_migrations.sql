-- Versions of the schema, oldest first.
-- columns: version name applied_at
SELECT version, name, applied_at FROM ork_migrations ORDER BY version
