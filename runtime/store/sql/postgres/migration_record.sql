-- A version of the schema is being applied: two who try at once collide here.
-- params: $1 version, $2 name, $3 checksum, $4 now
INSERT INTO ork_migrations (version, name, checksum, applied_at) VALUES ($1::integer, $2::text, $3::text, $4::timestamptz)
