-- The compiled tasks of a definition are rows; each task says what runs it.

ALTER TABLE workflows
    DROP COLUMN workflow_yaml,
    DROP COLUMN workflow_root,
    DROP CONSTRAINT workflows_executor_type_check;

ALTER TABLE tasks ADD COLUMN executor_type text;
UPDATE tasks
SET executor_type = w.executor_type
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
WHERE r.id = tasks.run_id;
ALTER TABLE tasks ALTER COLUMN executor_type SET NOT NULL;
CREATE INDEX idx_tasks_executor_type ON tasks (executor_type);

CREATE TABLE workflow_tasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    task_index integer NOT NULL,
    task_name text NOT NULL,
    executor_type text NOT NULL,
    depends_on text[] NOT NULL DEFAULT '{}',
    params jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (workflow_id, task_name)
);
CREATE INDEX idx_workflow_tasks_workflow_id ON workflow_tasks (workflow_id);
