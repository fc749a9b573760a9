-- Who works on this database and what they share: schedulers (the fence), agents, wishes of others (commands), pools and who
-- uses or waits for their slots. seq never repeats, also after rows were pruned: agents refuse lower ones.

CREATE TABLE schedulers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    host TEXT NOT NULL,
    agent_id BLOB,
    backend_pid INTEGER,
    version TEXT,
    state TEXT NOT NULL CHECK (state = 'live' OR state = 'dead' OR state = 'ended'),
    last_batch INTEGER NOT NULL DEFAULT 0,
    heartbeat_at TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX idx_schedulers_state ON schedulers (state);

CREATE TABLE agents (
    id BLOB PRIMARY KEY,
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    socket TEXT NOT NULL
);

CREATE TABLE commands (
    id BLOB PRIMARY KEY,
    run_id BLOB NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    task_id BLOB,
    kind TEXT NOT NULL,
    args TEXT,
    "by" TEXT,
    created_at TEXT NOT NULL,
    done_at TEXT,
    outcome TEXT
);
CREATE INDEX idx_commands_run_id ON commands (run_id, created_at);

CREATE TABLE pools (
    name TEXT PRIMARY KEY NOT NULL,
    slots INTEGER NOT NULL CHECK (slots >= 0)
);

CREATE TABLE pool_use (
    pool TEXT NOT NULL,
    scheduler_id BLOB NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    waiting INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (pool, scheduler_id)
) WITHOUT ROWID;
CREATE INDEX idx_pool_use_scheduler_id ON pool_use (scheduler_id);
