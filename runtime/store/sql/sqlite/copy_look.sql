-- What keeps others away: an unfinished copy into this database, and copies from or into it that are being made (live by their row).
-- params: none
-- columns: source (of an unfinished copy), id host pid (of who makes one)
SELECT source, NULL AS id, NULL AS host, NULL AS pid FROM copies
UNION ALL
SELECT NULL, id, host, backend_pid FROM schedulers WHERE state = 'live' AND role = 'copy'
