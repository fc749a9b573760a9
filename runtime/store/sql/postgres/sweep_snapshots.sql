-- Removes definitions of a workflow that are no version and that no run refers to. Its row is locked, so that nobody makes one current or starts a
-- run of one meanwhile.
-- params: $1 workflow id, $2 rows
-- columns: rows direct
WITH gone AS (
    DELETE FROM workflow_snapshots
    WHERE id IN (
        SELECT n.id
        FROM workflow_snapshots n
        JOIN workflows w ON w.id = n.workflow_id
        WHERE n.workflow_id = $1::uuid
          AND w.current_snapshot_id IS DISTINCT FROM n.id
          AND NOT EXISTS (SELECT 1 FROM workflow_versions v WHERE v.workflow_id = n.workflow_id AND v.snapshot_id = n.id)
          AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.snapshot_id = n.id)
        LIMIT nullif(greatest($2::bigint, -1), -1)
    )
    RETURNING 1
)
SELECT count(*) AS rows, count(*) AS direct FROM gone
