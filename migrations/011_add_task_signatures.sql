-- The declared types of a task's input and output.

ALTER TABLE workflow_tasks ADD COLUMN signature jsonb;
