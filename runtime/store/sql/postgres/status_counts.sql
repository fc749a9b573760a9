-- How much there is.
-- columns: workflows snapshots runs unfinished_runs tasks attempts open_commands live_schedulers
SELECT (SELECT count(*) FROM workflows) AS workflows,
       (SELECT count(*) FROM workflow_snapshots) AS snapshots,
       (SELECT count(*) FROM runs) AS runs,
       (SELECT count(*) FROM runs WHERE status IN ('pending', 'running', 'paused')) AS unfinished_runs,
       (SELECT count(*) FROM tasks) AS tasks,
       (SELECT count(*) FROM task_attempts) AS attempts,
       (SELECT count(*) FROM commands WHERE done_at IS NULL) AS open_commands,
       (SELECT count(*) FROM schedulers WHERE state = 'live') AS live_schedulers
