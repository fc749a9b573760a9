-- A workflow says what runs it.

ALTER TABLE workflows
    ADD COLUMN executor_type text NOT NULL DEFAULT 'cloudrun',
    ADD CONSTRAINT workflows_executor_type_check CHECK (executor_type IN ('cloudrun', 'process'));
