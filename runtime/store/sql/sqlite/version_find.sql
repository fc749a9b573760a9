-- The number that a snapshot has as a version.
-- params: ?1 workflow id, ?2 snapshot id
-- columns: version
SELECT version FROM workflow_versions WHERE workflow_id = ?1 AND snapshot_id = ?2
