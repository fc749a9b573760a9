-- The end of the chain of migrations_sqlite/, for databases that are new. Written by `ORK_SCHEMA_OUT=FILE store_test_schema`; the same
-- test fails when the chain and this file differ. Not edited by hand.
CREATE TABLE workflows (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    job_name TEXT NOT NULL,
    region TEXT NOT NULL DEFAULT 'us-central1',
    project TEXT NOT NULL,
    executor_type TEXT NOT NULL DEFAULT 'cloudrun',
    task_params TEXT,
    created_at TEXT NOT NULL DEFAULT (STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now'))
, schedule TEXT, schedule_enabled INTEGER NOT NULL DEFAULT 0, last_scheduled_at TEXT, next_scheduled_at TEXT, current_snapshot_id BLOB, timezone TEXT, catchup TEXT, overlap TEXT, jitter_seconds INTEGER, dst TEXT, max_parallel INTEGER, max_active_runs INTEGER, params_schema TEXT, script_path TEXT, current_version INTEGER, schedule_options TEXT, fire_at TEXT, fire_waits INTEGER NOT NULL DEFAULT 0, schedule_off_at TEXT, schedule_note TEXT, script_error TEXT);
CREATE TABLE workflow_tasks (
    id BLOB PRIMARY KEY,
    workflow_id BLOB NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    task_index INTEGER NOT NULL,
    task_name TEXT NOT NULL,
    executor_type TEXT NOT NULL,
    depends_on TEXT NOT NULL DEFAULT '[]',
    params TEXT,
    created_at TEXT NOT NULL DEFAULT (STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now')), signature TEXT,
    UNIQUE (workflow_id, task_name)
);
CREATE TABLE "runs" (
    id BLOB PRIMARY KEY,
    workflow_id BLOB NOT NULL REFERENCES workflows (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'paused', 'success', 'failed', 'cancelled')),
    triggered_by TEXT NOT NULL DEFAULT 'manual',
    started_at TEXT,
    finished_at TEXT,
    error TEXT,
    created_at TEXT NOT NULL DEFAULT (STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now'))
, snapshot_id BLOB, params TEXT, priority INTEGER NOT NULL DEFAULT 0, idempotency_key TEXT, scheduled_for TEXT, logical_at TEXT, run_timeout_seconds REAL, parent_task_id BLOB, rerun_of BLOB, scheduler_id BLOB, tasks_total INTEGER, next_task_index INTEGER, script_dir TEXT, script_path TEXT, cancel_reason INTEGER NOT NULL DEFAULT 0, killed INTEGER NOT NULL DEFAULT 0, output TEXT, deleted_at TEXT, part TEXT);
CREATE TABLE deferred_jobs (
    id BLOB PRIMARY KEY DEFAULT (randomblob(16)),
    task_id BLOB NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    service_type TEXT NOT NULL,
    job_id TEXT NOT NULL,
    job_data TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'polling', 'completed', 'failed', 'cancelled')),
    error TEXT,
    created_at TEXT NOT NULL DEFAULT (STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now')),
    started_at TEXT,
    last_polled_at TEXT,
    finished_at TEXT
);
CREATE INDEX idx_deferred_jobs_task_id ON deferred_jobs (task_id);
CREATE TABLE workflow_snapshots (
    id BLOB PRIMARY KEY,
    workflow_id BLOB NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    content_hash TEXT NOT NULL,
    tasks_json TEXT NOT NULL,
    created_at TEXT NOT NULL
, options TEXT, source TEXT);
CREATE INDEX idx_workflow_snapshots_workflow_id ON workflow_snapshots (workflow_id);
CREATE UNIQUE INDEX idx_workflow_snapshots_content_hash ON workflow_snapshots (workflow_id, content_hash);
CREATE TABLE "tasks" (
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
    logs TEXT, map_count INTEGER, map_first INTEGER, map_items TEXT,
    UNIQUE (run_id, task_index)
);
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
CREATE TABLE schedulers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    host TEXT NOT NULL,
    agent_id BLOB,
    backend_pid INTEGER,
    version TEXT,
    state TEXT NOT NULL CHECK (state = 'live' OR state = 'dead' OR state = 'ended'),
    last_batch INTEGER NOT NULL DEFAULT 0,
    heartbeat_at TEXT,
    created_at TEXT NOT NULL
, role TEXT);
CREATE INDEX idx_schedulers_state ON schedulers (state);
CREATE TABLE agents (
    id BLOB PRIMARY KEY,
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    socket TEXT NOT NULL
);
CREATE TABLE commands (
    id BLOB PRIMARY KEY,
    run_id BLOB NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    task_id BLOB,
    kind TEXT NOT NULL,
    args TEXT,
    "by" TEXT,
    created_at TEXT NOT NULL,
    done_at TEXT,
    outcome TEXT
);
CREATE INDEX idx_commands_run_id ON commands (run_id, created_at);
CREATE TABLE pools (
    name TEXT PRIMARY KEY NOT NULL,
    slots INTEGER NOT NULL CHECK (slots >= 0)
);
CREATE TABLE pool_use (
    pool TEXT NOT NULL,
    scheduler_id BLOB NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    waiting INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (pool, scheduler_id)
) WITHOUT ROWID;
CREATE INDEX idx_pool_use_scheduler_id ON pool_use (scheduler_id);
CREATE UNIQUE INDEX idx_runs_idempotency_key ON runs (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX idx_runs_scheduled_for ON runs (workflow_id, scheduled_for) WHERE scheduled_for IS NOT NULL;
CREATE INDEX idx_runs_created_at ON runs (created_at, id);
CREATE INDEX idx_runs_workflow_created_at ON runs (workflow_id, created_at, id);
CREATE INDEX idx_runs_workflow_status ON runs (workflow_id, status, created_at, id);
CREATE INDEX idx_runs_short_id ON runs (
    substr(hex(id), 32, 1) || substr(hex(id), 31, 1) || substr(hex(id), 30, 1) || substr(hex(id), 29, 1)
    || substr(hex(id), 28, 1) || substr(hex(id), 27, 1) || substr(hex(id), 26, 1) || substr(hex(id), 25, 1)
);
CREATE TABLE run_events (
    run_id BLOB NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
CREATE TABLE workflow_versions (
    workflow_id BLOB NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    snapshot_id BLOB NOT NULL,
    tasks INTEGER NOT NULL,
    script_dir TEXT,
    script_path TEXT,
    created_at TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    "by" TEXT,
    PRIMARY KEY (workflow_id, version),
    UNIQUE (workflow_id, snapshot_id)
) WITHOUT ROWID;
CREATE INDEX idx_runs_deleted_at ON runs (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX idx_runs_snapshot_id ON runs (snapshot_id, deleted_at);
CREATE TABLE run_remains (
    run_id BLOB PRIMARY KEY NOT NULL,
    dir TEXT,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX idx_workflows_fire_at ON workflows (fire_at) WHERE fire_at IS NOT NULL;
CREATE INDEX idx_commands_open ON commands (created_at) WHERE done_at IS NULL;
CREATE TABLE copies (
    source TEXT PRIMARY KEY NOT NULL,
    progress TEXT NOT NULL,
    started_at TEXT NOT NULL
);
CREATE INDEX idx_runs_open ON runs (scheduler_id, created_at, id) WHERE status IN ('pending', 'running', 'paused');
CREATE INDEX idx_runs_ended ON runs (status, created_at, id) WHERE status IN ('success', 'failed', 'cancelled');
CREATE TABLE task_items (
    task_id BLOB PRIMARY KEY NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    items TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE artifacts (
    task_id BLOB NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    run_id BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (task_id, name)
) WITHOUT ROWID;
CREATE INDEX idx_artifacts_run_id ON artifacts (run_id);
CREATE INDEX idx_tasks_run_task_name ON tasks (run_id, task_name) WHERE map_parent IS NULL;
