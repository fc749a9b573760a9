-- Runs whose id, or its last 8 digits that people are shown, begins or ends with what a person typed, newest first. A beginning is a range of ids; an end is a range of the short ids that
-- are indexed backwards (digits, so that g is behind all of them), checked in full when it has more than their 8 digits.
-- Fewer digits may also begin the short id: that walks the ids of all runs.
-- params: $1 beginning, $2 end (hexadecimal digits, lower case, no hyphens), $3 limit
-- columns: id workflow status created_at
SELECT r.id, w.name AS workflow, r.status, r.created_at
FROM (
    SELECT id FROM runs
    WHERE id BETWEEN CASE WHEN $1::text ~ '^[0-9a-f]{1,32}$' THEN rpad($1::text, 32, '0')::uuid END
                 AND CASE WHEN $1::text ~ '^[0-9a-f]{1,32}$' THEN rpad($1::text, 32, 'f')::uuid END
    UNION
    SELECT id FROM runs
    WHERE $2::text ~ '^[0-9a-f]{1,32}$'
      AND reverse(right(id::text, 8)) ~>=~ reverse(right($2::text, 8)) AND reverse(right(id::text, 8)) ~<~ (reverse(right($2::text, 8)) || 'g')
      AND right(replace(id::text, '-', ''), length($2::text)) = $2::text
    UNION
    SELECT id FROM runs WHERE $2::text ~ '^[0-9a-f]{1,7}$' AND left(right(id::text, 8), length($2::text)) = $2::text
) found
JOIN runs r ON r.id = found.id
JOIN workflows w ON w.id = r.workflow_id
WHERE r.deleted_at IS NULL
ORDER BY r.created_at DESC, r.id DESC
LIMIT nullif(greatest($3::bigint, -1), -1)
