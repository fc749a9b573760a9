-- What a workflow's definition says beyond its tasks; the snapshot keeps the options as written and the Lua sources.

ALTER TABLE workflows
    ADD COLUMN timezone text,
    ADD COLUMN catchup text,
    ADD COLUMN overlap text,
    ADD COLUMN jitter_seconds integer,
    ADD COLUMN dst text,
    ADD COLUMN max_parallel integer,
    ADD COLUMN max_active_runs integer,
    ADD COLUMN params_schema jsonb,
    ADD COLUMN script_path text;
ALTER TABLE workflow_snapshots
    ADD COLUMN options jsonb,
    ADD COLUMN source jsonb;
