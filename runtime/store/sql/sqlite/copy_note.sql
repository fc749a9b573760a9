-- How far the copy into this database is.
-- params: ?1 source, ?2 progress, ?3 now
INSERT INTO copies (source, progress, started_at) VALUES (?1, ?2, ?3)
ON CONFLICT (source) DO UPDATE SET progress = excluded.progress
