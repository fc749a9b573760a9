-- Slots of a pool that no live scheduler holds (negative after it was made smaller), and what this one holds.
-- params: $1 pool, $2 scheduler id
-- columns: free mine
SELECT p.slots - coalesce((SELECT sum(u.used) FROM pool_use u
                           JOIN schedulers s ON s.id = u.scheduler_id AND s.state = 'live'
                           WHERE u.pool = p.name), 0) AS free,
       coalesce((SELECT used FROM pool_use WHERE pool = p.name AND scheduler_id = $2::uuid), 0) AS mine
FROM pools p
WHERE p.name = $1::text
