-- The folder of a removed run's logs is still to go; NULL: where the data directory has it.
-- params: $1 run id, $2 folder or NULL, $3 now
INSERT INTO run_remains (run_id, dir, created_at) VALUES ($1::uuid, $2::text, $3::timestamptz) ON CONFLICT (run_id) DO NOTHING
