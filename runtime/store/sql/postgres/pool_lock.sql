-- Whoever changes who holds what of a pool does so one after the other.
-- params: $1 pool
-- columns: slots
SELECT slots FROM pools WHERE name = $1::text FOR NO KEY UPDATE
