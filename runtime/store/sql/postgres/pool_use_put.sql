-- What a scheduler holds of a pool, and whether it waits for more.
-- params: $1 pool, $2 scheduler id, $3 used, $4 waiting, NULL: as it was
INSERT INTO pool_use AS u (pool, scheduler_id, used, waiting) VALUES ($1::text, $2::uuid, $3::integer, coalesce($4::integer, 0))
ON CONFLICT (pool, scheduler_id) DO UPDATE SET used = excluded.used, waiting = coalesce($4::integer, u.waiting)
