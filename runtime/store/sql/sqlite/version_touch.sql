-- A version is current again, or was applied again as it is: since when, from where, by whom. NULL leaves the place as it was.
-- params: ?1 workflow id, ?2 version, ?3 script folder or NULL, ?4 script path or NULL, ?5 now, ?6 by
UPDATE workflow_versions
SET script_dir = coalesce(?3, script_dir), script_path = coalesce(?4, script_path), applied_at = ?5, "by" = ?6
WHERE workflow_id = ?1 AND version = ?2
