-- A snapshot gets the next number of its workflow.
-- params: $1 workflow id, $2 snapshot id, $3 number of tasks, $4 script folder, $5 script path, $6 now, $7 by
-- columns: version
INSERT INTO workflow_versions (workflow_id, version, snapshot_id, tasks, script_dir, script_path, created_at, applied_at, "by")
SELECT $1::uuid, coalesce(max(version), 0) + 1, $2::uuid, $3::integer, $4::text, $5::text, $6::timestamptz, $6::timestamptz, $7::text
FROM workflow_versions
WHERE workflow_id = $1::uuid
RETURNING version
