-- A snapshot that is new. No row: somebody was quicker.
-- params: $1 id, $2 workflow id, $3 content hash, $4 tasks JSON, $5 options JSON, $6 source JSON, $7 now
INSERT INTO workflow_snapshots (id, workflow_id, content_hash, tasks_json, options, source, created_at)
VALUES ($1::uuid, $2::uuid, $3::text, $4::jsonb, $5::jsonb, $6::jsonb, $7::timestamptz)
ON CONFLICT (workflow_id, content_hash) DO NOTHING
RETURNING id
