-- How far the copy into this database is.
-- params: $1 source, $2 progress
INSERT INTO copies (source, progress, started_at) VALUES ($1::text, $2::text, clock_timestamp())
ON CONFLICT (source) DO UPDATE SET progress = excluded.progress
