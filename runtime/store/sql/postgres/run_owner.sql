-- Where a run stands and whose it is.
-- params: $1 run id
-- columns: status scheduler_id state
SELECT r.status, r.scheduler_id, s.state
FROM runs r
LEFT JOIN schedulers s ON s.id = r.scheduler_id
WHERE r.id = $1::uuid AND r.deleted_at IS NULL
