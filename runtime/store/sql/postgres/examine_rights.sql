-- Tables of Ork that this role may not read and write, and what it lacks.
-- params: $1 names "runs,tasks"
-- columns: name lacks
SELECT name, lacks
FROM (SELECT c.relname::text AS name,
             concat_ws(', ', CASE WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'SELECT' END,
                       CASE WHEN NOT has_table_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
                       CASE WHEN NOT has_table_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
                       CASE WHEN NOT has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END) AS lacks
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname = ANY (string_to_array($1::text, ','))) t
WHERE lacks <> ''
ORDER BY name
