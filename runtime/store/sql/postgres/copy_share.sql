-- Whoever stores without being registered waits for a copy that looks whether it is alone, and it for them.
LOCK TABLE schedulers IN ROW EXCLUSIVE MODE
