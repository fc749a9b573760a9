-- The agent a scheduler works with now.
-- params: $1 scheduler id, $2 agent id
UPDATE schedulers SET agent_id = $2::uuid WHERE id = $1::uuid
