-- Definitions that stay in the database have numbered versions: a snapshot that was made current by `apply` keeps its number. A workflow is
-- applied while it has a current version; one that is known only by its runs has none. What the original applied is numbered by age.
--
-- Runs that are being removed are marked first (deleted_at), because a large one goes in several commits: whoever looks finds it whole or not at
-- all. Log folders of runs that are gone are remembered (run_remains) until they are gone too.

ALTER TABLE workflows ADD COLUMN current_version INTEGER;
CREATE TABLE workflow_versions (
    workflow_id BLOB NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    snapshot_id BLOB NOT NULL,
    tasks INTEGER NOT NULL,
    script_dir TEXT,
    script_path TEXT,
    created_at TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    "by" TEXT,
    PRIMARY KEY (workflow_id, version),
    UNIQUE (workflow_id, snapshot_id)
) WITHOUT ROWID;
INSERT INTO workflow_versions (workflow_id, version, snapshot_id, tasks, created_at, applied_at)
SELECT n.workflow_id, row_number() OVER (PARTITION BY n.workflow_id ORDER BY n.created_at, n.id), n.id,
       json_array_length(n.tasks_json), n.created_at, n.created_at
FROM workflow_snapshots n
JOIN workflows w ON w.id = n.workflow_id
WHERE NOT (w.project = 'local' AND w.job_name = w.name);
UPDATE workflows
SET current_version = (SELECT v.version FROM workflow_versions v WHERE v.workflow_id = workflows.id AND v.snapshot_id = workflows.current_snapshot_id);

ALTER TABLE runs ADD COLUMN deleted_at TEXT;
CREATE INDEX idx_runs_deleted_at ON runs (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX idx_runs_snapshot_id ON runs (snapshot_id, deleted_at);

CREATE TABLE run_remains (
    run_id BLOB PRIMARY KEY NOT NULL,
    dir TEXT,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
