-- All that was ever wished of a run, oldest first.
-- params: $1 run id
-- columns: id run_id task_id kind args by created_at done_at outcome
SELECT c.id, c.run_id, c.task_id, c.kind, c.args, c."by", c.created_at, c.done_at, c.outcome
FROM commands c
WHERE c.run_id = $1::uuid
ORDER BY c.created_at, c.id
