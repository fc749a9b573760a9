-- Does anybody but this scheduler wait for slots of a pool?
-- params: $1 pool, $2 scheduler id
-- columns: waits
SELECT EXISTS (SELECT 1 FROM pool_use WHERE pool = $1::text AND scheduler_id <> $2::uuid AND waiting <> 0) AS waits
