-- An agent and where it listens.
-- params: $1 id, $2 host, $3 boot id, $4 socket
INSERT INTO agents (id, host, boot_id, socket) VALUES ($1::uuid, $2::text, $3::text, $4::text)
ON CONFLICT (id) DO UPDATE SET host = excluded.host, boot_id = excluded.boot_id, socket = excluded.socket
