-- A schedule's time has come while its last run goes on: nothing is armed until that ends (schedule_wake).
-- params: $1 workflow id
UPDATE workflows SET fire_at = NULL, fire_waits = true WHERE id = $1::uuid
