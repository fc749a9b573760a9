-- Declares a pool or changes its size.
-- params: $1 name, $2 slots
INSERT INTO pools AS p (name, slots) VALUES ($1::text, $2::integer)
ON CONFLICT (name) DO UPDATE SET slots = excluded.slots WHERE p.slots <> excluded.slots
