/* SPDX-License-Identifier: MIT */
/* Is the database sound? SQLite's own checks first, then what must hold between Ork's rows; each finding says how it is
 * mended. Read only. */
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include <stdio.h>
#include <string.h>

#define SHOWN 20 /* findings of one kind that are listed */

/* Each query gives one text per finding. */
static const struct {
    const char *sql, *repair;
} invariants[] = {
    {"SELECT 'run ' || lower(hex(r.id)) || ' is ' || r.status || ' but ' || count(*) || ' of its tasks are not "
     "finished' "
     "FROM tasks t CROSS JOIN runs r ON r.id = t.run_id "
     "WHERE r.status IN ('success', 'failed', 'cancelled') AND t.status IN ('pending', 'paused', 'dispatched', "
     "'running') GROUP BY r.id",
     "`ork retry RUN` goes on with them; or leave the run as it is, nothing will start by itself"},
    {"SELECT 'run ' || lower(hex(r.id)) || ' is a success but has ' || count(*) || ' failed or cancelled tasks' "
     "FROM tasks t CROSS JOIN runs r ON r.id = t.run_id "
     "WHERE r.status = 'success' AND t.status IN ('failed', 'cancelled') AND t.map_parent IS NULL GROUP BY r.id",
     "`ork retry RUN` runs them again and settles the run anew"},
    {"SELECT 'run ' || lower(hex(r.id)) || ' is finished but still has an owner' FROM runs r "
     "WHERE r.status IN ('success', 'failed', 'cancelled') AND r.scheduler_id IS NOT NULL "
     "AND r.scheduler_id NOT IN (SELECT id FROM schedulers WHERE state = 'live')",
     "harmless: the next command for the run takes it over"},
    {"SELECT 'run ' || lower(hex(r.id)) || ' is ' || r.status || ' and its owner is gone' FROM runs r "
     "LEFT JOIN schedulers s ON s.id = r.scheduler_id "
     "WHERE r.status IN ('pending', 'running', 'paused') AND r.scheduler_id IS NOT NULL AND s.state IS NOT 'live'",
     "`ork resume RUN` goes on with it, `ork cancel RUN` ends it"},
    {"SELECT 'run ' || lower(hex(r.id)) || ' is ' || r.status || ' and nobody owns it' FROM runs r "
     "WHERE r.status IN ('pending', 'running', 'paused') AND r.scheduler_id IS NULL",
     "`ork resume RUN` goes on with it, `ork cancel RUN` ends it"},
    {"SELECT 'run ' || lower(hex(d.run_id)) || ' has ' || d.n || ' tasks named ' || d.task_name "
     "FROM (SELECT run_id, task_name, count(*) AS n FROM tasks GROUP BY run_id, task_name HAVING n > 1) d "
     "WHERE (SELECT count(*) FROM tasks t WHERE t.run_id = d.run_id AND t.task_name = d.task_name AND t.map_parent IS "
     "NULL) > 1",
     "made by an older Ork; only the first of them is found by its name. Start the workflow anew"},
    {"SELECT 'task ' || t.task_name || ' of run ' || lower(hex(t.run_id)) || ' is ' || t.status || ' in attempt ' || "
     "t.attempt || ' but there is no row of it' "
     "FROM runs r JOIN tasks t ON t.run_id = r.id "
     "WHERE r.status IN ('pending', 'running', 'paused') AND t.status IN ('dispatched', 'running') "
     "AND NOT EXISTS (SELECT 1 FROM task_attempts a WHERE a.task_id = t.id AND a.attempt = t.attempt)",
     "who resumes the run counts that attempt as lost and tries again"},
    {"SELECT 'run ' || lower(hex(r.id)) || ' points at a snapshot that does not exist' FROM runs r "
     "WHERE r.snapshot_id IS NOT NULL AND r.snapshot_id NOT IN (SELECT id FROM workflow_snapshots)",
     "the run cannot go on; `ork cancel RUN`, then start the workflow anew"},
    {"SELECT 'workflow ' || w.name || ' points at a snapshot that does not exist' FROM workflows w "
     "WHERE w.current_snapshot_id IS NOT NULL AND w.current_snapshot_id NOT IN (SELECT id FROM workflow_snapshots)",
     "apply its script again"},
    {"SELECT 'pool ' || p.name || ' has ' || p.slots || ' slots and ' || sum(u.used) || ' are taken' FROM pools p JOIN "
     "pool_use u ON u.pool = p.name "
     "JOIN schedulers s ON s.id = u.scheduler_id AND s.state = 'live' GROUP BY p.name HAVING sum(u.used) > p.slots",
     "harmless after a pool was made smaller: it empties as tasks end"},
};

struct report {
    struct ork_buf *out;
    size_t found;
};

static void add(struct report *r, const char *text, const char *repair)
{
    ork_buf_adds(r->out, r->found++ ? ",{\"text\":" : "{\"text\":");
    ork_buf_json(r->out, text, strlen(text));
    ork_buf_adds(r->out, ",\"repair\":");
    ork_buf_json(r->out, repair, strlen(repair));
    ork_buf_addc(r->out, '}');
}

/* A failing query is a finding too: the check must speak about a damaged database, not stop at it. */
static void list(struct report *r, struct ork_conn *c, const char *sql, const char *ok, const char *repair)
{
    sqlite3_stmt *st = NULL;
    size_t n = 0;
    ork_err err;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        rc = SQLITE_OK;
        if (text && (!ok || strcmp(text, ok) != 0) && n++ < SHOWN)
            add(r, text, repair);
    }
    if (n > SHOWN) {
        char more[64];
        (void)snprintf(more, sizeof more, "… and %zu more of this kind", n - SHOWN);
        add(r, more, repair);
    }
    if (rc != SQLITE_DONE) {
        (void)ork_conn_fail(c, rc, "checking", &err);
        add(r, err.msg, "restore a copy, or try `sqlite3 FILE .recover`");
    }
    (void)sqlite3_finalize(st);
}

/* Owners that are live by their row and dead by their lock. */
static void list_dead_owners(struct report *r, struct ork_sqlite *s, struct ork_conn *c)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(
        c->db,
        "SELECT s.id, s.host, s.backend_pid, count(r.id) FROM schedulers s LEFT JOIN runs r ON r.scheduler_id = s.id "
        "WHERE s.state = 'live' GROUP BY s.id",
        -1, &st, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        ork_id id;
        rc = SQLITE_OK;
        if (sqlite3_column_bytes(st, 0) != sizeof id.b)
            continue;
        memcpy(id.b, sqlite3_column_blob(st, 0), sizeof id.b);
        if (sqlite3_column_int(st, 3) == 0 || ork_sqlite_owner_alive(&s->base, &id))
            continue;
        char text[300];
        (void)snprintf(text, sizeof text, "process %d on %s died and left %d run%s", sqlite3_column_int(st, 2),
                       (const char *)sqlite3_column_text(st, 1), sqlite3_column_int(st, 3),
                       sqlite3_column_int(st, 3) == 1 ? "" : "s");
        add(r, text, "`ork resume RUN` goes on with them, or start the same script again");
    }
    (void)sqlite3_finalize(st);
}

int ork_sqlite_check(ork_store *store, struct ork_buf *out, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    ork_err own;
    err = err ? err : &own;
    struct ork_conn *c = ork_sqlite_reader(s, err);
    if (!c)
        return err->code;
    struct ork_buf items = ORK_BUF_INIT;
    struct report r = {&items, 0};
    list(&r, c, "PRAGMA quick_check", "ok", "the file is damaged: restore a copy, or try `sqlite3 FILE .recover`");
    list(&r, c,
         "SELECT 'a row of ' || \"table\" || ' refers to a row of ' || parent || ' that does not exist' FROM "
         "pragma_foreign_key_check",
         NULL, "delete these rows (PRAGMA foreign_key_check lists them)");
    for (size_t i = 0; i < sizeof invariants / sizeof *invariants; i++)
        list(&r, c, invariants[i].sql, NULL, invariants[i].repair);
    list_dead_owners(&r, s, c);
    ork_sqlite_reader_done(s);
    ork_buf_addf(out, "{\"ok\":%s,\"problems\":[", r.found ? "false" : "true");
    ork_buf_add(out, items.data ? items.data : "", items.len);
    ork_buf_adds(out, "]}");
    ork_buf_fini(&items);
    return 0;
}
