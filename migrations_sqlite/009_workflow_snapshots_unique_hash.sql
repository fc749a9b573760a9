-- One snapshot per workflow and content. Of duplicates the newest stays, and what pointed at the others points at it.

CREATE TEMP TABLE snapshot_keep AS
SELECT s.id AS old_id,
       (SELECT k.id
        FROM workflow_snapshots k
        WHERE k.workflow_id = s.workflow_id AND k.content_hash = s.content_hash
        ORDER BY k.created_at DESC, k.id DESC
        LIMIT 1) AS keep_id
FROM workflow_snapshots s;
UPDATE workflows
SET current_snapshot_id = (SELECT keep_id FROM snapshot_keep WHERE old_id = workflows.current_snapshot_id)
WHERE current_snapshot_id IN (SELECT old_id FROM snapshot_keep WHERE old_id <> keep_id);
UPDATE runs
SET snapshot_id = (SELECT keep_id FROM snapshot_keep WHERE old_id = runs.snapshot_id)
WHERE snapshot_id IN (SELECT old_id FROM snapshot_keep WHERE old_id <> keep_id);
DELETE FROM workflow_snapshots WHERE id IN (SELECT old_id FROM snapshot_keep WHERE old_id <> keep_id);
DROP TABLE snapshot_keep;
DROP INDEX IF EXISTS idx_workflow_snapshots_content_hash;
CREATE UNIQUE INDEX idx_workflow_snapshots_content_hash ON workflow_snapshots (workflow_id, content_hash);
