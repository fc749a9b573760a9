-- What a scheduler holds of a pool, and whether it waits for more.
-- params: ?1 pool, ?2 scheduler id, ?3 used, ?4 waiting, NULL: as it was
INSERT INTO pool_use (pool, scheduler_id, used, waiting) VALUES (?1, ?2, ?3, coalesce(?4, 0))
ON CONFLICT (pool, scheduler_id) DO UPDATE SET used = excluded.used, waiting = coalesce(?4, waiting)
