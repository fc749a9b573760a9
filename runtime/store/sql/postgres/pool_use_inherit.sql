-- Who takes a run from a scheduler that is gone counts for as many slots as that one held until it has taken what the run needs: which those are
-- is known from the run's definition alone. More than there are is no more than all. With its last run its own rows go.
-- params: $1 heir, $2 the one that is gone
-- columns: pool used
WITH held AS (
    SELECT u.pool, least(u.used, p.slots) AS used
    FROM pool_use u
    JOIN pools p ON p.name = u.pool
    WHERE u.scheduler_id = $2::uuid AND u.used > 0 AND NOT EXISTS (SELECT 1 FROM schedulers WHERE id = $2::uuid AND state = 'live')
), gone AS (
    DELETE FROM pool_use
    WHERE scheduler_id = $2::uuid
      AND NOT EXISTS (SELECT 1 FROM schedulers WHERE id = $2::uuid AND state = 'live')
      AND NOT EXISTS (SELECT 1 FROM runs WHERE scheduler_id = $2::uuid AND status IN ('pending', 'running', 'paused') AND deleted_at IS NULL)
), heir AS (
    INSERT INTO pool_use AS u (pool, scheduler_id, used, waiting)
    SELECT pool, $1::uuid, used, 0 FROM held
    ON CONFLICT (pool, scheduler_id) DO UPDATE SET used = u.used + excluded.used
)
SELECT pool, used FROM held
