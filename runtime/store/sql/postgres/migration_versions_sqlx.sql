-- Versions that the original applied, newest first.
-- columns: version checksum success
SELECT version::integer AS version, NULL::text AS checksum, success FROM _sqlx_migrations ORDER BY version DESC
