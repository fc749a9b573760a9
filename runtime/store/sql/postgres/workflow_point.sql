-- The first snapshot of a workflow.
-- params: $1 workflow id, $2 snapshot id
UPDATE workflows SET current_snapshot_id = $2::uuid WHERE id = $1::uuid AND current_snapshot_id IS NULL
