-- Durable when it is answered (synchronous_commit).
COMMIT
