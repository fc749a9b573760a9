-- What a workflow looked like, by content; a run is pinned to one snapshot.

CREATE TABLE workflow_snapshots (
    id BLOB PRIMARY KEY,
    workflow_id BLOB NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    content_hash TEXT NOT NULL,
    tasks_json TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX idx_workflow_snapshots_workflow_id ON workflow_snapshots (workflow_id);
CREATE UNIQUE INDEX idx_workflow_snapshots_content_hash ON workflow_snapshots (workflow_id, content_hash);
ALTER TABLE workflows ADD COLUMN current_snapshot_id BLOB;
ALTER TABLE runs ADD COLUMN snapshot_id BLOB;
