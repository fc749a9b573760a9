-- How many of the newest finished runs of a workflow have logs of at most so many bytes in all.
-- params: $1 workflow id, $2 bytes
-- columns: runs
SELECT count(*) AS runs
FROM (
    SELECT sum(bytes) OVER (ORDER BY created_at DESC, id DESC) AS total
    FROM (
        SELECT r.created_at, r.id, (SELECT coalesce(sum(a.log_bytes), 0)
                                    FROM tasks t JOIN task_attempts a ON a.task_id = t.id WHERE t.run_id = r.id) AS bytes
        FROM runs r
        WHERE r.workflow_id = $1::uuid AND r.status IN ('success', 'failed', 'cancelled') AND r.deleted_at IS NULL
    ) AS sizes
) AS totals
WHERE total <= $2::bigint
