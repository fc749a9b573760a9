-- The end of a task's log, kept with the task.

ALTER TABLE tasks ADD COLUMN logs text;
