-- Wishes that wait for a scheduler: open commands of the runs it owns, oldest first.
-- params: $1 scheduler id
-- columns: id run_id task_id kind args by created_at done_at outcome
SELECT c.id, c.run_id, c.task_id, c.kind, c.args, c."by", c.created_at, c.done_at, c.outcome
FROM runs r
JOIN commands c ON c.run_id = r.id
WHERE r.scheduler_id = $1::uuid AND r.status IN ('pending', 'running', 'paused') AND c.done_at IS NULL
ORDER BY c.created_at, c.id
