-- Indexes that cost more than they gave. A run changed its place in five of them on its way; now unfinished runs are in one, by owner
-- and age, and finished ones come into the one by status when they end. The others were asked by nothing, or are the front of another one.

CREATE INDEX idx_runs_open ON runs (scheduler_id, created_at, id) WHERE status IN ('pending', 'running', 'paused');
CREATE INDEX idx_runs_ended ON runs (status, created_at, id) WHERE status IN ('success', 'failed', 'cancelled');
DROP INDEX IF EXISTS idx_runs_free, idx_runs_scheduler_id, idx_runs_status_created_at, idx_workflows_executor_type,
    idx_workflows_next_scheduled, idx_workflow_tasks_workflow_id, idx_deferred_jobs_status, idx_deferred_jobs_created_at;
