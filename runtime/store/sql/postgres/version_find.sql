-- The number that a snapshot has as a version.
-- params: $1 workflow id, $2 snapshot id
-- columns: version
SELECT version FROM workflow_versions WHERE workflow_id = $1::uuid AND snapshot_id = $2::uuid
