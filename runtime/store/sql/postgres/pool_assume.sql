-- A pool nobody declared has one slot.
-- params: $1 pool
INSERT INTO pools (name, slots) VALUES ($1::text, 1) ON CONFLICT (name) DO NOTHING
