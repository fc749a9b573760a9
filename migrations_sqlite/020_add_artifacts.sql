-- Files that tasks leave to be kept. The content is in the data directory of the host that ran the task, under its SHA-256: once for the
-- database (artifacts/), and by a link for each run that needs it (logs/<run>/artifacts/). A row goes with its task.

CREATE TABLE artifacts (
    task_id BLOB NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    run_id BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (task_id, name)
) WITHOUT ROWID;
CREATE INDEX idx_artifacts_run_id ON artifacts (run_id);
