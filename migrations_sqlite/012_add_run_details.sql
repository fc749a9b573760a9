-- What a run was asked for, who owns it, and its history of events. Indexes: each list of runs (all, of a status, of a workflow, of both) is
-- read newest first from one of its own, so a page costs the same among a million runs; the index of short ids holds the last 8
-- digits backwards, so that the end of an id, as people type it, is a range.

ALTER TABLE runs ADD COLUMN params TEXT;
ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN idempotency_key TEXT;
ALTER TABLE runs ADD COLUMN scheduled_for TEXT;
ALTER TABLE runs ADD COLUMN logical_at TEXT;
ALTER TABLE runs ADD COLUMN run_timeout_seconds REAL;
ALTER TABLE runs ADD COLUMN parent_task_id BLOB;
ALTER TABLE runs ADD COLUMN rerun_of BLOB;
ALTER TABLE runs ADD COLUMN scheduler_id BLOB;
ALTER TABLE runs ADD COLUMN tasks_total INTEGER;
ALTER TABLE runs ADD COLUMN next_task_index INTEGER;
ALTER TABLE runs ADD COLUMN script_dir TEXT;
ALTER TABLE runs ADD COLUMN script_path TEXT;
ALTER TABLE runs ADD COLUMN cancel_reason INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN killed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN output TEXT;
CREATE UNIQUE INDEX idx_runs_idempotency_key ON runs (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX idx_runs_scheduled_for ON runs (workflow_id, scheduled_for) WHERE scheduled_for IS NOT NULL;
CREATE INDEX idx_runs_scheduler_id ON runs (scheduler_id) WHERE scheduler_id IS NOT NULL;
CREATE INDEX idx_runs_created_at ON runs (created_at, id);
CREATE INDEX idx_runs_status_created_at ON runs (status, created_at, id);
CREATE INDEX idx_runs_workflow_created_at ON runs (workflow_id, created_at, id);
CREATE INDEX idx_runs_workflow_status ON runs (workflow_id, status, created_at, id);
CREATE INDEX idx_runs_short_id ON runs (
    substr(hex(id), 32, 1) || substr(hex(id), 31, 1) || substr(hex(id), 30, 1) || substr(hex(id), 29, 1)
    || substr(hex(id), 28, 1) || substr(hex(id), 27, 1) || substr(hex(id), 26, 1) || substr(hex(id), 25, 1)
);
DROP INDEX IF EXISTS idx_runs_status;
DROP INDEX IF EXISTS idx_runs_workflow_id;

CREATE TABLE run_events (
    run_id BLOB NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
