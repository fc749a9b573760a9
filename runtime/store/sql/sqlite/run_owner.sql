-- Where a run stands and whose it is. local: that one is a process of this scheduler's host.
-- params: ?1 run id, ?2 my scheduler id
-- columns: status scheduler_id state pid local
SELECT r.status, r.scheduler_id, s.state, s.backend_pid AS pid, s.host = (SELECT host FROM schedulers WHERE id = ?2) AS local
FROM runs r
LEFT JOIN schedulers s ON s.id = r.scheduler_id
WHERE r.id = ?1 AND r.deleted_at IS NULL
