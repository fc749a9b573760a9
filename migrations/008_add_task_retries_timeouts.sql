-- Counted failures, how many of them a task may have, its time limit, and when it is tried again.

ALTER TABLE tasks
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN max_retries integer NOT NULL DEFAULT 0,
    ADD COLUMN timeout_seconds integer,
    ADD COLUMN retry_at timestamptz;
