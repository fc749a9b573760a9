-- Attempts as rows of their own; tasks learn to be skipped, know the number of their attempt (the fence), how often they were
-- lost, and their load rules. The table is copied to change its CHECK, and lays what changes often before the long texts, so that reading a
-- status touches no overflow page. Indexes that mention status make every update dearer and no query needs them: active tasks
-- are found through active runs. Those on run_id alone and on executor_type are covered or unused. The CHECKs are chains of OR because SQLite builds
-- a temporary table for a long IN list, at every row: it made an insert a third dearer.

CREATE TABLE tasks_new (
    id BLOB PRIMARY KEY,
    run_id BLOB NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    task_index INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status = 'pending' OR status = 'dispatched' OR status = 'running' OR status = 'success' OR status = 'failed'
                                OR status = 'skipped' OR status = 'cancelled' OR status = 'paused'),
    attempt INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    kind TEXT,
    dispatched_at TEXT,
    started_at TEXT,
    finished_at TEXT,
    retry_at TEXT,
    task_name TEXT NOT NULL,
    executor_type TEXT NOT NULL,
    execution_name TEXT,
    created_at TEXT NOT NULL DEFAULT (STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now')),
    max_retries INTEGER NOT NULL DEFAULT 0,
    timeout_seconds INTEGER,
    map_index INTEGER,
    map_parent BLOB,
    pool TEXT,
    priority INTEGER NOT NULL DEFAULT 0,
    trigger_rule TEXT,
    depends_on TEXT NOT NULL DEFAULT '[]',
    params TEXT,
    error TEXT,
    output TEXT,
    logs TEXT,
    UNIQUE (run_id, task_index)
);
INSERT INTO tasks_new (id, run_id, task_index, status, attempts, dispatched_at, started_at, finished_at, retry_at, task_name,
                       executor_type, execution_name, created_at, max_retries, timeout_seconds, depends_on, params, error,
                       output, logs)
SELECT id, run_id, task_index, status, attempts, dispatched_at, started_at, finished_at, retry_at, task_name,
       executor_type, execution_name, created_at, max_retries, timeout_seconds, depends_on, params, error,
       output, logs
FROM tasks;
DROP TABLE tasks;
ALTER TABLE tasks_new RENAME TO tasks;
CREATE INDEX idx_tasks_run_task_name ON tasks (run_id, task_name);

CREATE TABLE task_attempts (
    task_id BLOB NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status = 'dispatched' OR status = 'running' OR status = 'success' OR status = 'failed' OR status = 'cancelled'),
    kind TEXT,
    exit_code INTEGER,
    signal INTEGER,
    error TEXT,
    execution_name TEXT,
    agent_id BLOB,
    host TEXT,
    snapshot_id BLOB,
    log_path TEXT,
    log_bytes INTEGER,
    started_at TEXT,
    finished_at TEXT,
    user_ms INTEGER,
    system_ms INTEGER,
    max_rss_kb INTEGER,
    PRIMARY KEY (task_id, attempt)
) WITHOUT ROWID;
