-- A version is current again, or was applied again as it is: since when, from where, by whom. NULL leaves the place as it was.
-- params: $1 workflow id, $2 version, $3 script folder or NULL, $4 script path or NULL, $5 now, $6 by
UPDATE workflow_versions
SET script_dir = coalesce($3::text, script_dir), script_path = coalesce($4::text, script_path), applied_at = $5::timestamptz, "by" = $6::text
WHERE workflow_id = $1::uuid AND version = $2::integer
