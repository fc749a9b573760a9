-- One snapshot per workflow and content. Of duplicates the newest stays, and what pointed at the others points at it.

CREATE TEMP TABLE snapshot_keep ON COMMIT DROP AS
SELECT s.id AS old_id, k.id AS keep_id
FROM workflow_snapshots s
JOIN LATERAL (SELECT n.id
              FROM workflow_snapshots n
              WHERE n.workflow_id = s.workflow_id AND n.content_hash = s.content_hash
              ORDER BY n.created_at DESC, n.id DESC
              LIMIT 1) k ON k.id <> s.id;
UPDATE workflows SET current_snapshot_id = k.keep_id FROM snapshot_keep k WHERE current_snapshot_id = k.old_id;
UPDATE runs SET snapshot_id = k.keep_id FROM snapshot_keep k WHERE snapshot_id = k.old_id;
DELETE FROM workflow_snapshots WHERE id IN (SELECT old_id FROM snapshot_keep);
DROP INDEX IF EXISTS idx_workflow_snapshots_content_hash;
CREATE UNIQUE INDEX idx_workflow_snapshots_content_hash ON workflow_snapshots (workflow_id, content_hash);
