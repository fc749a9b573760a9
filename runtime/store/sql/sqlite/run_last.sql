-- The newest run of all that somebody started: not one that a task of another run waits for.
-- params: none
-- columns: id workflow status created_at
SELECT r.id, w.name AS workflow, r.status, r.created_at
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
WHERE r.deleted_at IS NULL AND r.parent_task_id IS NULL
ORDER BY r.created_at DESC, r.id DESC
LIMIT 1
