-- What a workflow's definition says beyond its tasks; the snapshot keeps the options as written and the Lua sources.

ALTER TABLE workflows ADD COLUMN timezone TEXT;
ALTER TABLE workflows ADD COLUMN catchup TEXT;
ALTER TABLE workflows ADD COLUMN overlap TEXT;
ALTER TABLE workflows ADD COLUMN jitter_seconds INTEGER;
ALTER TABLE workflows ADD COLUMN dst TEXT;
ALTER TABLE workflows ADD COLUMN max_parallel INTEGER;
ALTER TABLE workflows ADD COLUMN max_active_runs INTEGER;
ALTER TABLE workflows ADD COLUMN params_schema TEXT;
ALTER TABLE workflows ADD COLUMN script_path TEXT;
ALTER TABLE workflow_snapshots ADD COLUMN options TEXT;
ALTER TABLE workflow_snapshots ADD COLUMN source TEXT;
