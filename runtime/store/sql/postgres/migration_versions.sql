-- Versions of the schema that were applied, newest first.
-- columns: version checksum success
SELECT version, checksum, true AS success FROM ork_migrations ORDER BY version DESC
