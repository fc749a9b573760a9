-- What a run was asked for, who owns it, and its history of events. Indexes: each list of runs (all, of a status, of a workflow, of both) is
-- read newest first from one of its own, so a page costs the same among a million runs; the index of short ids holds the last 8
-- digits backwards, so that the end of an id, as people type it, is a range.

ALTER TABLE runs
    ADD COLUMN params jsonb,
    ADD COLUMN priority integer NOT NULL DEFAULT 0,
    ADD COLUMN idempotency_key text,
    ADD COLUMN scheduled_for timestamptz,
    ADD COLUMN logical_at timestamptz,
    ADD COLUMN run_timeout_seconds double precision,
    ADD COLUMN parent_task_id uuid,
    ADD COLUMN rerun_of uuid,
    ADD COLUMN scheduler_id uuid,
    ADD COLUMN tasks_total integer,
    ADD COLUMN next_task_index integer,
    ADD COLUMN script_dir text,
    ADD COLUMN script_path text,
    ADD COLUMN cancel_reason integer NOT NULL DEFAULT 0,
    ADD COLUMN killed integer NOT NULL DEFAULT 0,
    ADD COLUMN output jsonb;
CREATE UNIQUE INDEX idx_runs_idempotency_key ON runs (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX idx_runs_scheduled_for ON runs (workflow_id, scheduled_for) WHERE scheduled_for IS NOT NULL;
CREATE INDEX idx_runs_scheduler_id ON runs (scheduler_id) WHERE scheduler_id IS NOT NULL;
CREATE INDEX idx_runs_created_at ON runs (created_at, id);
CREATE INDEX idx_runs_status_created_at ON runs (status, created_at, id);
CREATE INDEX idx_runs_workflow_created_at ON runs (workflow_id, created_at, id);
CREATE INDEX idx_runs_workflow_status ON runs (workflow_id, status, created_at, id);
CREATE INDEX idx_runs_short_id ON runs (reverse(right(id::text, 8)) text_pattern_ops);
DROP INDEX IF EXISTS idx_runs_status, idx_runs_workflow_id;

CREATE TABLE run_events (
    run_id uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (run_id, seq)
);
