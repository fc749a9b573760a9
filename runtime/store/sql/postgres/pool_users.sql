-- Schedulers, live by their row, that hold slots of a pool, other than one.
-- params: $1 pool, $2 scheduler id to leave out
-- columns: id
SELECT u.scheduler_id AS id
FROM pool_use u
JOIN schedulers s ON s.id = u.scheduler_id AND s.state = 'live'
WHERE u.pool = $1::text AND u.scheduler_id <> $2::uuid AND u.used > 0
