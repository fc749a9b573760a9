-- Forgets schedulers that are gone and own no run that is unfinished, but for the newest hundred.
-- params: none
DELETE FROM schedulers
WHERE state <> 'live'
  AND seq <= (SELECT max(seq) FROM schedulers) - 100
  AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.scheduler_id = schedulers.id AND r.status IN ('pending', 'running', 'paused'))
