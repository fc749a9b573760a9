-- A snapshot that is new.
-- params: ?1 id, ?2 workflow id, ?3 content hash, ?4 tasks JSON, ?5 options JSON, ?6 source JSON, ?7 now
INSERT INTO workflow_snapshots (id, workflow_id, content_hash, tasks_json, options, source, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
