-- How many runs ended how since an instant; runs created before another one are not looked at, so that an index serves.
-- params: $1 ended since, $2 created since
-- columns: status count
SELECT status, count(*) AS count
FROM runs
WHERE status IN ('success', 'failed', 'cancelled') AND created_at >= $2::timestamptz AND finished_at >= $1::timestamptz AND deleted_at IS NULL
GROUP BY status
ORDER BY status
