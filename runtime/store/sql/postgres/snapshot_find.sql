-- The snapshot of a workflow with this content.
-- params: $1 workflow id, $2 content hash
-- columns: id
SELECT id FROM workflow_snapshots WHERE workflow_id = $1::uuid AND content_hash = $2::text
