-- What is left of a run when its tasks and events are gone.
-- params: $1 run id
DELETE FROM runs WHERE id = $1::uuid
