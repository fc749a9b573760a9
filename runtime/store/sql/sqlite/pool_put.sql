-- Declares a pool or changes its size.
-- params: ?1 name, ?2 slots
INSERT INTO pools (name, slots) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET slots = excluded.slots WHERE slots <> excluded.slots
