-- Attempts as rows of their own; tasks learn to be skipped, know the number of their attempt (the fence), how often they were lost, and
-- their load rules. Indexes that mention status forbid updates in place (HOT), as does a full page: the indexes go, and pages are
-- filled to half. Active tasks are found through active runs.

ALTER TABLE tasks
    DROP CONSTRAINT IF EXISTS tasks_status_check,
    ADD CONSTRAINT tasks_status_check
        CHECK (status IN ('pending', 'paused', 'dispatched', 'running', 'success', 'failed', 'cancelled', 'skipped')),
    ADD COLUMN attempt integer NOT NULL DEFAULT 0,
    ADD COLUMN lost integer NOT NULL DEFAULT 0,
    ADD COLUMN kind text,
    ADD COLUMN map_index integer,
    ADD COLUMN map_parent uuid,
    ADD COLUMN pool text,
    ADD COLUMN priority integer NOT NULL DEFAULT 0,
    ADD COLUMN trigger_rule text,
    SET (fillfactor = 50);
DROP INDEX IF EXISTS idx_tasks_run_id, idx_tasks_status, idx_tasks_run_status, idx_tasks_status_run_id, idx_tasks_executor_type,
    idx_tasks_execution_name;

CREATE TABLE task_attempts (
    task_id uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt integer NOT NULL,
    status text NOT NULL CHECK (status IN ('dispatched', 'running', 'success', 'failed', 'cancelled')),
    kind text,
    exit_code integer,
    signal integer,
    error text,
    execution_name text,
    agent_id uuid,
    host text,
    snapshot_id uuid,
    log_path text,
    log_bytes bigint,
    started_at timestamptz,
    finished_at timestamptz,
    user_ms bigint,
    system_ms bigint,
    max_rss_kb bigint,
    PRIMARY KEY (task_id, attempt)
);
