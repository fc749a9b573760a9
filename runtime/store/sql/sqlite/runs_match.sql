-- Runs whose id, or its last 8 digits that people are shown, begins or ends with what a person typed, newest first. A beginning is a range of ids; an end is a range of the short ids that
-- are indexed backwards (upper-case digits, so that G is behind all of them), checked in full when it has more than their 8 digits.
-- Fewer digits may also begin the short id: that walks the ids of all runs, in the index of the primary key alone.
-- params: from the caller: beginning, end (hexadecimal digits, lower case, no hyphens), limit;
--   bound: ?1 lowest and ?2 highest id with that beginning, ?3 the end's last 8 digits backwards in upper case, ?4 the end, ?5 limit
-- columns: id workflow status created_at
SELECT r.id, w.name AS workflow, r.status, r.created_at
FROM (
    SELECT rowid AS no FROM runs WHERE id BETWEEN ?1 AND ?2
    UNION
    SELECT rowid AS no FROM runs r
    WHERE substr(hex(r.id), 32, 1) || substr(hex(r.id), 31, 1) || substr(hex(r.id), 30, 1) || substr(hex(r.id), 29, 1)
          || substr(hex(r.id), 28, 1) || substr(hex(r.id), 27, 1) || substr(hex(r.id), 26, 1) || substr(hex(r.id), 25, 1) >= ?3
      AND substr(hex(r.id), 32, 1) || substr(hex(r.id), 31, 1) || substr(hex(r.id), 30, 1) || substr(hex(r.id), 29, 1)
          || substr(hex(r.id), 28, 1) || substr(hex(r.id), 27, 1) || substr(hex(r.id), 26, 1) || substr(hex(r.id), 25, 1) < ?3 || 'G'
      AND substr(lower(hex(id)), -length(?4)) = ?4
    UNION
    SELECT rowid AS no FROM runs WHERE length(?4) < 8 AND substr(lower(hex(id)), 25, length(?4)) = ?4
) found
JOIN runs r ON r.rowid = found.no
JOIN workflows w ON w.id = r.workflow_id
WHERE r.deleted_at IS NULL
ORDER BY r.created_at DESC, r.id DESC
LIMIT ?5
