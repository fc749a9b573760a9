-- What keeps others away: an unfinished copy into this database, and copies from or into it that are being made (live by their row).
-- params: none
-- columns: source (of an unfinished copy), id host (of who makes one)
SELECT source, NULL::uuid AS id, NULL::text AS host FROM copies
UNION ALL
SELECT NULL, id, host FROM schedulers WHERE state = 'live' AND role = 'copy'
