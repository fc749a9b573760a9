-- The newest run of all.
-- params: none
-- columns: id workflow status created_at
SELECT r.id, w.name AS workflow, r.status, r.created_at
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
WHERE r.deleted_at IS NULL
ORDER BY r.created_at DESC, r.id DESC
LIMIT 1
