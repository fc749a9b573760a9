-- The slots of a scheduler that is gone, once it has no unfinished run any more, are those of who took the last.
-- params: $1 heir, $2 the one that is gone
-- columns: pool used
WITH gone AS (
    DELETE FROM pool_use
    WHERE scheduler_id = $2::uuid
      AND NOT EXISTS (SELECT 1 FROM schedulers WHERE id = $2::uuid AND state = 'live')
      AND NOT EXISTS (SELECT 1 FROM runs WHERE scheduler_id = $2::uuid AND status IN ('pending', 'running', 'paused') AND deleted_at IS NULL)
    RETURNING pool, used
), heir AS (
    INSERT INTO pool_use AS u (pool, scheduler_id, used, waiting)
    SELECT pool, $1::uuid, used, 0 FROM gone WHERE used > 0
    ON CONFLICT (pool, scheduler_id) DO UPDATE SET used = u.used + excluded.used
)
SELECT pool, used FROM gone WHERE used > 0
