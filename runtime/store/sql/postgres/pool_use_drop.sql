-- A scheduler that is gone holds nothing and waits for nothing. But a server comes back, and what it ran may still run: while it has unfinished
-- runs its slots stay, for who takes the last of these (pool_use_inherit).
-- params: $1 scheduler id
DELETE FROM pool_use
WHERE scheduler_id = $1::uuid
  AND NOT EXISTS (SELECT 1 FROM schedulers s
                  JOIN runs r ON r.scheduler_id = s.id AND r.status IN ('pending', 'running', 'paused') AND r.deleted_at IS NULL
                  WHERE s.id = $1::uuid AND s.role = 'serve')
