-- Indexes for the scheduler's loop.

CREATE INDEX idx_workflows_executor_type ON workflows (executor_type);
CREATE INDEX idx_tasks_status_run_id ON tasks (status, run_id) WHERE status IN ('pending', 'dispatched', 'running');
CREATE INDEX idx_tasks_run_status ON tasks (run_id, status);
CREATE INDEX idx_tasks_execution_name ON tasks (cloud_run_execution_name) WHERE cloud_run_execution_name IS NOT NULL;
