-- Items of a list have names that follow from their task's name and their number, and are found by these: their own names need no index.

DROP INDEX IF EXISTS idx_tasks_run_task_name;
CREATE INDEX idx_tasks_run_task_name ON tasks (run_id, task_name) WHERE map_parent IS NULL;
