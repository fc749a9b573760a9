-- May a run be removed? Its end, whether its removal has begun, and whether an unfinished run still takes results over from it.
-- params: ?1 run id
-- columns: status finished_at deleted needed
SELECT r.status, coalesce(r.finished_at, r.created_at), r.deleted_at IS NOT NULL,
       EXISTS (SELECT 1 FROM runs x WHERE x.status IN ('pending', 'running', 'paused') AND x.rerun_of = r.id)
FROM runs r
WHERE r.id = ?1
