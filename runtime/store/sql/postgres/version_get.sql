-- The snapshot of a version and the script it was applied from.
-- params: $1 workflow id, $2 version
-- columns: snapshot_id script_path
SELECT snapshot_id, script_path FROM workflow_versions WHERE workflow_id = $1::uuid AND version = $2::integer
