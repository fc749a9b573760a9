-- Does anybody but this scheduler wait for slots of a pool?
-- params: $1 pool, $2 scheduler id
-- columns: waits
SELECT EXISTS (SELECT 1 FROM pool_use u
               JOIN schedulers s ON s.id = u.scheduler_id AND s.state = 'live'
               WHERE u.pool = $1::text AND u.scheduler_id <> $2::uuid AND u.waiting <> 0) AS waits
