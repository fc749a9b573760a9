/* SPDX-License-Identifier: MIT */
/* Is the database sound? What must hold between Ork's rows (the server keeps foreign keys itself), and whether indexes
 * are usable; each finding says how it is mended. What a killed program leaves and Ork itself cleans up is no damage:
 * such findings are notes. Read only. */
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <stdio.h>
#include <string.h>

#define SHOWN 20 /* findings of one kind that are listed */
#define OWNERLESS "`ork resume RUN` goes on with it, `ork cancel RUN` ends it"
#define HEX(id) "replace(" id "::text, '-', '')"
#define SHORT(id) "right(" id "::text, 8)"

/* Each query gives one text per finding. */
static const struct {
    const char *sql, *repair;
    bool note;
} invariants[] = {
    {"SELECT 'this database is half of a copy of ' || source FROM copies",
     "`ork db copy`, the same two named, goes on with it", false},
    {"SELECT 'index ' || c.relname || ' is not usable' FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
     "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND NOT i.indisvalid",
     "REINDEX INDEX it", false},
    {"SELECT 'run ' || " HEX(
         "r.id") " || ' is ' || r.status || ' but ' || count(*) || ' of its tasks are not finished' "
                 "FROM tasks t JOIN runs r ON r.id = t.run_id "
                 "WHERE r.status IN ('success', 'failed', 'cancelled') AND t.status IN ('pending', 'paused', "
                 "'dispatched', "
                 "'running') GROUP BY r.id",
     "`ork retry RUN` goes on with them; or leave the run as it is, nothing will start by itself", false},
    {"SELECT 'run ' || " HEX("r.id") " || ' is a success but has ' || count(*) || ' failed or cancelled tasks' "
                                     "FROM tasks t JOIN runs r ON r.id = t.run_id "
                                     "WHERE r.status = 'success' AND t.status IN ('failed', 'cancelled') AND "
                                     "t.map_parent IS NULL GROUP BY r.id",
     "`ork retry RUN` runs them again and settles the run anew", false},
    {"SELECT 'run ' || " SHORT(
         "r.id") " || ' is finished but still has an owner' FROM runs r "
                 "WHERE r.status IN ('success', 'failed', 'cancelled') AND r.scheduler_id IS NOT NULL "
                 "AND r.scheduler_id NOT IN (SELECT id FROM schedulers WHERE state = 'live')",
     "harmless: the next command for the run takes it over", true},
    {"SELECT 'run ' || " SHORT("r.id") " || ' is ' || r.status || ' and its owner is gone' FROM runs r "
                                       "LEFT JOIN schedulers s ON s.id = r.scheduler_id "
                                       "WHERE r.status IN ('pending', 'running', 'paused') AND r.scheduler_id IS NOT "
                                       "NULL AND (s.state IS DISTINCT FROM "
                                       "'live' OR s.heartbeat_at < clock_timestamp() - interval '10 s')",
     OWNERLESS, true},
    {"SELECT 'run ' || " SHORT("r.id") " || ' is ' || r.status || ' and nobody owns it' FROM runs r "
                                       "WHERE r.status IN ('pending', 'running', 'paused') AND r.scheduler_id IS NULL",
     OWNERLESS, true},
    {"SELECT 'run ' || " HEX("d.run_id") " || ' has ' || d.n || ' tasks named ' || d.task_name "
                                         "FROM (SELECT run_id, task_name, count(*) AS n FROM tasks WHERE map_parent IS "
                                         "NULL GROUP BY run_id, task_name "
                                         "HAVING count(*) > 1) d",
     "made by an older Ork; only the first of them is found by its name. Start the workflow anew", false},
    {"SELECT 'task ' || t.task_name || ' of run ' || " HEX(
         "t.run_id") " || ' is ' || t.status || ' in attempt ' || "
                     "t.attempt || ' but there is no row of it' FROM runs r JOIN tasks t ON t.run_id = r.id "
                     "WHERE r.status IN ('pending', 'running', 'paused') AND t.status IN ('dispatched', 'running') "
                     "AND t.map_count IS NULL AND t.executor_type NOT IN ('lua', 'inline', 'library') "
                     "AND NOT EXISTS (SELECT 1 FROM task_attempts a WHERE a.task_id = t.id AND a.attempt = t.attempt)",
     "who resumes the run counts that attempt as lost and tries again", false},
    {"SELECT 'pool ' || p.name || ' has ' || p.slots || ' slots and ' || sum(u.used) || ' are taken' FROM pools p JOIN "
     "pool_use u ON u.pool = p.name "
     "JOIN schedulers s ON s.id = u.scheduler_id AND s.state = 'live' GROUP BY p.name, p.slots HAVING sum(u.used) > "
     "p.slots",
     "harmless after a pool was made smaller: it empties as tasks end", true},
};

struct report {
    struct ork_buf out; /* owned; members of a JSON list */
    size_t found;
};

static void add(struct report *r, const char *text, const char *repair)
{
    ork_buf_adds(&r->out, r->found++ ? ",{\"text\":" : "{\"text\":");
    ork_buf_json(&r->out, text, strlen(text));
    ork_buf_adds(&r->out, ",\"repair\":");
    ork_buf_json(&r->out, repair, strlen(repair));
    ork_buf_addc(&r->out, '}');
}

/* A failing query is a finding too: the check must speak about a damaged database, not stop at it. */
static void list(struct report *r, struct report *damage, struct ork_link *l, const char *sql, const char *repair)
{
    struct ork_stmt st;
    ork_err err;
    int n = ork_stmt_select(&st, l, sql, &err);
    for (int i = 0; i < n && i < SHOWN; i++)
        add(r, ork_stmt_get_text(&st, i, 0), repair);
    if (n > SHOWN) {
        char more[64];
        (void)snprintf(more, sizeof more, "… and %d more of this kind", n - SHOWN);
        add(r, more, repair);
    }
    if (n < 0)
        add(damage, err.msg, "restore a copy; what the server's log says tells more");
    ork_stmt_end(&st);
}

int ork_pg_check(ork_store *store, struct ork_buf *out, ork_err *err)
{
    struct ork_postgres *s = ork_pg_of(store);
    struct report r = {ORK_BUF_INIT, 0}, notes = {ORK_BUF_INIT, 0};
    ork_err own;
    int rc = ork_pg_here(s, err ? err : &own);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof invariants / sizeof *invariants; i++)
        list(invariants[i].note ? &notes : &r, &r, &s->here, invariants[i].sql, invariants[i].repair);
    ork_buf_addf(out, "{\"ok\":%s,\"problems\":[", r.found ? "false" : "true");
    ork_buf_add(out, r.out.data ? r.out.data : "", r.out.len);
    ork_buf_adds(out, "],\"notes\":[");
    ork_buf_add(out, notes.out.data ? notes.out.data : "", notes.out.len);
    ork_buf_adds(out, "]}");
    ork_buf_fini(&r.out);
    ork_buf_fini(&notes.out);
    return 0;
}
