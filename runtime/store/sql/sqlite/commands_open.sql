-- Wishes that wait for a scheduler: open commands of the runs it owns (a finished one too: it is to be tried again), oldest first. Open
-- commands are few, so they are looked through.
-- params: ?1 scheduler id
-- columns: id run_id task_id kind args by created_at done_at outcome
SELECT c.id, c.run_id, c.task_id, c.kind, c.args, c."by", c.created_at, c.done_at, c.outcome
FROM commands c INDEXED BY idx_commands_open
JOIN runs r ON r.id = c.run_id
WHERE c.done_at IS NULL AND r.scheduler_id = ?1
ORDER BY c.created_at, c.id
