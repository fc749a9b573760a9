-- Slots of a pool that nobody holds (negative after it was made smaller), and what this one holds. A server that is gone holds what it held until
-- its runs are taken up, but no longer than they wait for its host.
-- params: $1 pool, $2 scheduler id, $3 grace in ms
-- columns: free mine
SELECT p.slots - coalesce((SELECT sum(u.used) FROM pool_use u
                           JOIN schedulers s ON s.id = u.scheduler_id
                           WHERE u.pool = p.name
                             AND (s.state = 'live' OR s.heartbeat_at > clock_timestamp() - $3::bigint * interval '1 ms')), 0) AS free,
       coalesce((SELECT used FROM pool_use WHERE pool = p.name AND scheduler_id = $2::uuid), 0) AS mine
FROM pools p
WHERE p.name = $1::text
