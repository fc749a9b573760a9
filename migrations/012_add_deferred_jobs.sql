-- Jobs of other services that a running task waits for.

CREATE TABLE deferred_jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    task_id uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    service_type text NOT NULL,
    job_id text NOT NULL,
    job_data jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'polling', 'completed', 'failed', 'cancelled')),
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    last_polled_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX idx_deferred_jobs_status ON deferred_jobs (status);
CREATE INDEX idx_deferred_jobs_task_id ON deferred_jobs (task_id);
CREATE INDEX idx_deferred_jobs_created_at ON deferred_jobs (created_at);
