-- Runs whose results an unfinished one still takes over.
-- params: none
-- columns: id
SELECT DISTINCT rerun_of FROM runs INDEXED BY idx_runs_open WHERE status IN ('pending', 'running', 'paused') AND rerun_of IS NOT NULL
