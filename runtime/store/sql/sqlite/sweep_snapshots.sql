-- Removes definitions of a workflow that are no version and that no run refers to.
-- params: ?1 workflow id, ?2 rows
DELETE FROM workflow_snapshots
WHERE id IN (
    SELECT n.id
    FROM workflow_snapshots n
    JOIN workflows w ON w.id = n.workflow_id
    WHERE n.workflow_id = ?1
      AND w.current_snapshot_id IS NOT n.id
      AND NOT EXISTS (SELECT 1 FROM workflow_versions v WHERE v.workflow_id = n.workflow_id AND v.snapshot_id = n.id)
      AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.snapshot_id = n.id)
    LIMIT ?2
)
