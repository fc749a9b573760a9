-- Gives slots of a pool back.
-- params: $1 pool, $2 scheduler id, $3 count
UPDATE pool_use SET used = greatest(used - $3::bigint, 0)::integer WHERE pool = $1::text AND scheduler_id = $2::uuid
