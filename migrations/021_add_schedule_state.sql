-- What fires a schedule: the whole option as the script wrote it (schedule_options; NULL beside a schedule of the original's, which keeps its
-- dialect), the instant at which its next time is to be acted on (fire_at: next_scheduled_at and its jitter; NULL while it is off, or waits for a
-- run of its own to end), and whether it waits so. The operator's switch outlives definitions: schedule_off_at. What was skipped or went wrong
-- last is kept for people (schedule_note), like what kept the script from being loaded again (script_error). A scheduler says what it is: `serve`
-- takes up runs of others, and finds those that nobody owns, and open wishes, by indexes that hold little else.

ALTER TABLE workflows ADD COLUMN schedule_options jsonb;
ALTER TABLE workflows ADD COLUMN fire_at timestamptz;
ALTER TABLE workflows ADD COLUMN fire_waits boolean NOT NULL DEFAULT false;
ALTER TABLE workflows ADD COLUMN schedule_off_at timestamptz;
ALTER TABLE workflows ADD COLUMN schedule_note jsonb;
ALTER TABLE workflows ADD COLUMN script_error text;
CREATE INDEX idx_workflows_fire_at ON workflows (fire_at) WHERE fire_at IS NOT NULL;
UPDATE workflows
SET schedule_options = (SELECT n.options -> 'schedule' FROM workflow_snapshots n WHERE n.id = workflows.current_snapshot_id)
WHERE current_version IS NOT NULL;

ALTER TABLE schedulers ADD COLUMN role text;
CREATE INDEX idx_commands_open ON commands (created_at) WHERE done_at IS NULL;
CREATE INDEX idx_runs_free ON runs (created_at, id) WHERE scheduler_id IS NULL AND status IN ('pending', 'running', 'paused');
