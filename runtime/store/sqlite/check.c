/* SPDX-License-Identifier: MIT */
/* Is the database sound? SQLite's own checks first, then what must hold between Ork's rows; each finding says how it is
 * mended. What a killed program leaves and Ork itself cleans up is no damage: such findings are notes. Read only. */
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include <stdio.h>
#include <string.h>

#define SHOWN 20 /* findings of one kind that are listed */
#define OWNERLESS "`ork resume RUN` goes on with it, `ork cancel RUN` ends it"

/* Each query gives one text per finding. */
static const struct {
    const char *sql, *repair;
    bool note;
} invariants[] = {
    {"SELECT 'this database is half of a copy of ' || source FROM copies",
     "`ork db copy`, the same two named, goes on with it", false},
    {"SELECT 'run ' || lower(hex(r.id)) || ' is ' || r.status || ' but ' || count(*) || ' of its tasks are not "
     "finished' "
     "FROM tasks t CROSS JOIN runs r ON r.id = t.run_id "
     "WHERE r.status IN ('success', 'failed', 'cancelled') AND t.status IN ('pending', 'paused', 'dispatched', "
     "'running') GROUP BY r.id",
     "`ork retry RUN` goes on with them; or leave the run as it is, nothing will start by itself", false},
    {"SELECT 'run ' || lower(hex(r.id)) || ' is a success but has ' || count(*) || ' failed or cancelled tasks' "
     "FROM tasks t CROSS JOIN runs r ON r.id = t.run_id "
     "WHERE r.status = 'success' AND t.status IN ('failed', 'cancelled') AND t.map_parent IS NULL GROUP BY r.id",
     "`ork retry RUN` runs them again and settles the run anew", false},
    {"SELECT 'run ' || substr(lower(hex(r.id)), 25) || ' is finished but still has an owner' FROM runs r "
     "WHERE r.status IN ('success', 'failed', 'cancelled') AND r.scheduler_id IS NOT NULL "
     "AND r.scheduler_id NOT IN (SELECT id FROM schedulers WHERE state = 'live')",
     "harmless: the next command for the run takes it over", true},
    {"SELECT 'run ' || substr(lower(hex(r.id)), 25) || ' is ' || r.status || ' and its owner is gone' FROM runs r "
     "LEFT JOIN schedulers s ON s.id = r.scheduler_id "
     "WHERE r.status IN ('pending', 'running', 'paused') AND r.scheduler_id IS NOT NULL AND s.state IS NOT 'live'",
     OWNERLESS, true},
    {"SELECT 'run ' || substr(lower(hex(r.id)), 25) || ' is ' || r.status || ' and nobody owns it' FROM runs r "
     "WHERE r.status IN ('pending', 'running', 'paused') AND r.scheduler_id IS NULL",
     OWNERLESS, true},
    {"SELECT 'run ' || lower(hex(d.run_id)) || ' has ' || d.n || ' tasks named ' || d.task_name "
     "FROM (SELECT run_id, task_name, count(*) AS n FROM tasks GROUP BY run_id, task_name HAVING n > 1) d "
     "WHERE (SELECT count(*) FROM tasks t WHERE t.run_id = d.run_id AND t.task_name = d.task_name AND t.map_parent IS "
     "NULL) > 1",
     "made by an older Ork; only the first of them is found by its name. Start the workflow anew", false},
    {"SELECT 'task ' || t.task_name || ' of run ' || lower(hex(t.run_id)) || ' is ' || t.status || ' in attempt ' || "
     "t.attempt || ' but there is no row of it' "
     "FROM runs r JOIN tasks t ON t.run_id = r.id "
     "WHERE r.status IN ('pending', 'running', 'paused') AND t.status IN ('dispatched', 'running') "
     "AND t.map_count IS NULL AND t.executor_type NOT IN ('lua', 'inline', 'library') "
     "AND NOT EXISTS (SELECT 1 FROM task_attempts a WHERE a.task_id = t.id AND a.attempt = t.attempt)",
     "who resumes the run counts that attempt as lost and tries again", false},
    {"SELECT 'run ' || lower(hex(r.id)) || ' points at a snapshot that does not exist' FROM runs r "
     "WHERE r.snapshot_id IS NOT NULL AND r.snapshot_id NOT IN (SELECT id FROM workflow_snapshots)",
     "the run cannot go on; `ork cancel RUN`, then start the workflow anew", false},
    {"SELECT 'workflow ' || w.name || ' points at a snapshot that does not exist' FROM workflows w "
     "WHERE w.current_snapshot_id IS NOT NULL AND w.current_snapshot_id NOT IN (SELECT id FROM workflow_snapshots)",
     "apply its script again", false},
    {"SELECT 'pool ' || p.name || ' has ' || p.slots || ' slots and ' || sum(u.used) || ' are taken' FROM pools p JOIN "
     "pool_use u ON u.pool = p.name "
     "JOIN schedulers s ON s.id = u.scheduler_id AND s.state = 'live' GROUP BY p.name HAVING sum(u.used) > p.slots",
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
static void list(struct report *r, struct report *damage, struct ork_conn *c, const char *sql, const char *ok,
                 const char *repair)
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
        add(damage, err.msg, "restore a copy, or try `sqlite3 FILE .recover`");
    }
    (void)sqlite3_finalize(st);
}

/* Unfinished runs whose owner is live by its row and dead by its lock. */
static void list_dead_owners(struct report *r, struct ork_sqlite *s, struct ork_conn *c)
{
    sqlite3_stmt *st = NULL;
    size_t n = 0;
    int rc =
        sqlite3_prepare_v2(c->db,
                           "SELECT s.id, s.host, s.backend_pid, substr(lower(hex(r.id)), 25), r.status FROM runs r "
                           "JOIN schedulers s ON s.id = r.scheduler_id "
                           "WHERE s.state = 'live' AND r.status IN ('pending', 'running', 'paused')",
                           -1, &st, NULL);
    while (rc == SQLITE_OK && n < SHOWN && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        ork_id id;
        rc = SQLITE_OK;
        if (sqlite3_column_bytes(st, 0) != sizeof id.b)
            continue;
        memcpy(id.b, sqlite3_column_blob(st, 0), sizeof id.b);
        if (ork_sqlite_owner_alive(&s->base, &id))
            continue;
        struct ork_buf text = ORK_BUF_INIT;
        ork_buf_addf(&text, "run %s is %s and its owner is gone (process %d on %s)",
                     (const char *)sqlite3_column_text(st, 3), (const char *)sqlite3_column_text(st, 4),
                     sqlite3_column_int(st, 2), (const char *)sqlite3_column_text(st, 1));
        add(r, text.data, OWNERLESS);
        ork_buf_fini(&text);
        n++;
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
    struct report r = {ORK_BUF_INIT, 0}, notes = {ORK_BUF_INIT, 0};
    list(&r, &r, c, "PRAGMA quick_check", "ok", "the file is damaged: restore a copy, or try `sqlite3 FILE .recover`");
    list(&r, &r, c,
         "SELECT 'a row of ' || \"table\" || ' refers to a row of ' || parent || ' that does not exist' FROM "
         "pragma_foreign_key_check",
         NULL, "delete these rows (PRAGMA foreign_key_check lists them)");
    for (size_t i = 0; i < sizeof invariants / sizeof *invariants; i++)
        list(invariants[i].note ? &notes : &r, &r, c, invariants[i].sql, NULL, invariants[i].repair);
    list_dead_owners(&notes, s, c);
    ork_sqlite_reader_done(s);
    ork_buf_addf(out, "{\"ok\":%s,\"problems\":[", r.found ? "false" : "true");
    ork_buf_add(out, r.out.data ? r.out.data : "", r.out.len);
    ork_buf_adds(out, "],\"notes\":[");
    ork_buf_add(out, notes.out.data ? notes.out.data : "", notes.out.len);
    ork_buf_adds(out, "]}");
    ork_buf_fini(&r.out);
    ork_buf_fini(&notes.out);
    return 0;
}
