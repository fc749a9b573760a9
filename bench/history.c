/* SPDX-License-Identifier: MIT */
/* history DB N: N copies of the newest run of a database, finished, a second apart and older than it, each with its
 * tasks and their attempts; what a server has after some years. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void run(sqlite3 *db, const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "%s\n%s\n", why, sql);
        exit(1);
    }
}

/* Columns of a table, those that differ from copy to copy replaced. */
static char *columns(sqlite3 *db, const char *table, const char *const (*changed)[2], int values)
{
    sqlite3_stmt *st = NULL;
    sqlite3_str *out = sqlite3_str_new(db);
    char *sql = sqlite3_mprintf("SELECT name FROM pragma_table_info(%Q)", table);

    (void)sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0), *value = NULL;
        for (int i = 0; values && changed[i][0]; i++)
            value = sqlite3_stricmp(changed[i][0], name) == 0 ? changed[i][1] : value;
        if (sqlite3_str_length(out))
            sqlite3_str_appendall(out, ", ");
        if (value)
            sqlite3_str_appendall(out, value);
        else
            sqlite3_str_appendf(out, values ? "s.\"%w\"" : "\"%w\"", name);
    }
    (void)sqlite3_finalize(st);
    sqlite3_free(sql);
    return sqlite3_str_finish(out);
}

static void copy(sqlite3 *db, const char *table, const char *from, const char *const (*changed)[2])
{
    char *names = columns(db, table, changed, 0), *values = columns(db, table, changed, 1);
    char *sql = sqlite3_mprintf("INSERT INTO %s (%s) SELECT %s FROM %s", table, names, values, from);

    run(db, sql);
    sqlite3_free(names);
    sqlite3_free(values);
    sqlite3_free(sql);
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    char text[400];

    if (argc != 3 || sqlite3_open(argv[1], &db) != SQLITE_OK)
        return 2;
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN");
    run(db, "CREATE TEMP TABLE seed AS SELECT * FROM runs ORDER BY created_at DESC LIMIT 1");
    run(db, "CREATE TEMP TABLE n (i INTEGER PRIMARY KEY, id BLOB, at TEXT)");
    (void)snprintf(
        text, sizeof text,
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %ld) INSERT INTO n SELECT i, "
        "CAST(randomblob(12) || x'00000000' AS BLOB), strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', (SELECT created_at FROM "
        "seed), '-' || i || "
        "' seconds') FROM c",
        strtol(argv[2], NULL, 10));
    run(db, text);
    static const char *const of_run[][2] = {
        {"id", "n.id"},         {"created_at", "n.at"},      {"started_at", "n.at"},    {"finished_at", "n.at"},
        {"logical_at", "n.at"}, {"idempotency_key", "NULL"}, {"scheduled_for", "NULL"}, {NULL, NULL}};
    static const char *const of_task[][2] = {
        {"id", "CAST(substr(n.id, 1, 12) || substr(s.id, 13) AS BLOB)"}, {"run_id", "n.id"}, {NULL, NULL}};
    static const char *const of_attempt[][2] = {
        {"task_id", "CAST(substr(n.id, 1, 12) || substr(s.task_id, 13) AS BLOB)"}, {NULL, NULL}};
    static const char *const of_event[][2] = {{"run_id", "n.id"}, {NULL, NULL}};
    copy(db, "runs", "seed s, n", of_run);
    copy(db, "tasks", "n, (SELECT * FROM tasks WHERE run_id = (SELECT id FROM seed)) s", of_task);
    copy(db, "task_attempts",
         "n, (SELECT a.* FROM task_attempts a JOIN tasks t ON t.id = a.task_id WHERE t.run_id = (SELECT id FROM seed)) "
         "s",
         of_attempt);
    copy(db, "run_events", "n, (SELECT * FROM run_events WHERE run_id = (SELECT id FROM seed)) s", of_event);
    run(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    return sqlite3_close(db) != SQLITE_OK;
}
