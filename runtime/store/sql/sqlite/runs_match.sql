-- Runs whose id begins or ends with what a person typed (hexadecimal digits, lower case, no hyphens), newest first.
-- A beginning is a range of the primary key; an end of 8 digits or more is looked up in the index of short ids, a shorter one scans it.
-- params: ?1 beginning, ?2 end, ?3 limit
-- columns: id workflow status created_at
SELECT r.id, w.name AS workflow, r.status, r.created_at
FROM runs r
JOIN workflows w ON w.id = r.workflow_id
WHERE r.id IN (
    SELECT p.id FROM runs p WHERE p.rowid IN (
        SELECT b.rowid FROM runs b WHERE substr(lower(hex(b.id)), 1, length(?1)) = ?1
        UNION
        SELECT e.rowid FROM runs e
        WHERE CASE WHEN length(?2) >= 8 THEN 0 ELSE substr(substr(hex(e.id), 25), -length(?2)) = upper(?2) END
        UNION
        SELECT x.rowid FROM runs x
        WHERE substr(hex(x.id), 25) = upper(substr(?2, -8)) AND substr(lower(hex(x.id)), -length(?2)) = ?2))
ORDER BY r.created_at DESC, r.id DESC
LIMIT ?3
