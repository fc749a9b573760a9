-- Definitions that stay in the database have numbered versions: a snapshot that was made current by `apply` keeps its number. A workflow is
-- applied while it has a current version; one that is known only by its runs has none. What the original applied is numbered by age.
--
-- Runs that are being removed are marked first (deleted_at), because a large one goes in several commits: whoever looks finds it whole or not at
-- all. Log folders of runs that are gone are remembered (run_remains) until they are gone too.

ALTER TABLE workflows ADD COLUMN current_version integer;
CREATE TABLE workflow_versions (
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version integer NOT NULL,
    snapshot_id uuid NOT NULL REFERENCES workflow_snapshots (id),
    tasks integer NOT NULL,
    script_dir text,
    script_path text,
    created_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL,
    "by" text,
    PRIMARY KEY (workflow_id, version),
    UNIQUE (workflow_id, snapshot_id)
);
INSERT INTO workflow_versions (workflow_id, version, snapshot_id, tasks, created_at, applied_at)
SELECT n.workflow_id, row_number() OVER (PARTITION BY n.workflow_id ORDER BY n.created_at, n.id), n.id,
       jsonb_array_length(n.tasks_json), n.created_at, n.created_at
FROM workflow_snapshots n
JOIN workflows w ON w.id = n.workflow_id
WHERE NOT (w.project = 'local' AND w.job_name = w.name);
UPDATE workflows
SET current_version = (SELECT v.version FROM workflow_versions v WHERE v.workflow_id = workflows.id AND v.snapshot_id = workflows.current_snapshot_id);

ALTER TABLE runs ADD COLUMN deleted_at timestamptz;
CREATE INDEX idx_runs_deleted_at ON runs (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX idx_runs_snapshot_id ON runs (snapshot_id, deleted_at);

CREATE TABLE run_remains (
    run_id uuid PRIMARY KEY,
    dir text,
    created_at timestamptz NOT NULL
);
