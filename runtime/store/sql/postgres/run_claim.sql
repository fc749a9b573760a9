-- Gives a run to a scheduler; the caller has made sure that nobody else lives on it.
-- params: $1 run id, $2 scheduler id
UPDATE runs SET scheduler_id = $2::uuid WHERE id = $1::uuid
