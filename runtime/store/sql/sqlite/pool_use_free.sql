-- Gives slots of a pool back.
-- params: ?1 pool, ?2 scheduler id, ?3 count
UPDATE pool_use SET used = max(used - ?3, 0) WHERE pool = ?1 AND scheduler_id = ?2
