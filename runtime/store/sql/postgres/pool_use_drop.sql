-- A scheduler that is gone holds nothing and waits for nothing.
-- params: $1 scheduler id
DELETE FROM pool_use WHERE scheduler_id = $1::uuid
