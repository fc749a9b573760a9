/* SPDX-License-Identifier: MIT */
/* indexes DB SQL: for each index of a SQLite database what it costs, and which statements of the folder SQL want it.
 * The cost is counted, not timed: pages written to the log by the life of one run of one task (created, started, its
 * task dispatched, ended, recorded; a commit each), with the index and without it. Prints "name pages statements". */
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 200

static void fail(sqlite3 *db, const char *sql)
{
    fprintf(stderr, "indexes: %s\n%s\n", sqlite3_errmsg(db), sql);
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(db, sql);
}

/* A copy of it in a file of its own, as Ork opens it. */
static sqlite3 *copy_of(sqlite3 *from)
{
    static int serial;
    sqlite3 *db;
    char path[32];
    (void)snprintf(path, sizeof path, "copy%d.db", serial++);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        exit(1);
    sqlite3_backup *b = sqlite3_backup_init(db, "main", from, "main");
    if (!b || sqlite3_backup_step(b, -1) != SQLITE_DONE || sqlite3_backup_finish(b) != SQLITE_OK)
        fail(db, "backup");
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = "
            "-200000");
    return db;
}

/* Pages written for each run. */
static double live(sqlite3 *db)
{
    static const char *const life[] = {
        "CREATE TEMP TABLE seed AS SELECT workflow_id, snapshot_id FROM runs ORDER BY created_at DESC LIMIT 1;"
        "CREATE TEMP TABLE one (n INTEGER, id BLOB, task BLOB, at TEXT); INSERT INTO one VALUES (0, x'', x'', '')",
        "UPDATE one SET n = n + 1, at = '2199-01-01T00:00:00.' || printf('%03dZ', n);"
        "UPDATE one SET id = CAST(CAST(printf('~%08d', n) AS BLOB) || randomblob(7) AS BLOB);"
        "UPDATE one SET task = CAST(substr(id, 1, 12) || x'00000000' AS BLOB)",
        "INSERT INTO runs (id, workflow_id, snapshot_id, status, created_at, scheduler_id, tasks_total) "
        "SELECT id, workflow_id, snapshot_id, 'pending', at, randomblob(16), 1 FROM one, seed",
        "INSERT INTO tasks (id, run_id, task_index, status, task_name, executor_type, params) "
        "SELECT task, id, 0, 'pending', 'task', 'process', '{}' FROM one",
        "UPDATE runs SET status = 'running', started_at = created_at, scheduler_id = scheduler_id WHERE id = (SELECT "
        "id FROM one)",
        "UPDATE tasks SET status = 'dispatched', attempt = 1 WHERE id = (SELECT task FROM one);"
        "INSERT INTO task_attempts (task_id, attempt, status) SELECT task, 1, 'dispatched' FROM one",
        "UPDATE tasks SET status = 'success' WHERE id = (SELECT task FROM one);"
        "UPDATE task_attempts SET status = 'success' WHERE task_id = (SELECT task FROM one);"
        "UPDATE runs SET status = 'success', finished_at = created_at, scheduler_id = NULL WHERE id = (SELECT id FROM "
        "one)",
        "INSERT INTO run_events (run_id, seq, at, data) SELECT id, 1, at, '[]' FROM one",
    };
    int before = 0, after = 0, high;
    run(db, life[0]);
    (void)sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &before, &high, 0);
    for (int i = 0; i < RUNS; i++)
        for (size_t step = 1; step < sizeof life / sizeof *life; step++) {
            run(db, "BEGIN");
            run(db, life[step]);
            run(db, "COMMIT");
        }
    (void)sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &after, &high, 0);
    return (double)(after - before) / RUNS;
}

static char *text_of(const char *folder, const char *name)
{
    char path[512], *text = calloc(1, 1 << 16);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f || !text || fread(text, 1, (1 << 16) - 1, f) == 0)
        exit(1);
    (void)fclose(f);
    return text;
}

static int uses(sqlite3 *db, const char *sql, const char *index)
{
    sqlite3_stmt *st = NULL;
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql), *word = sqlite3_mprintf("INDEX %s", index);
    int found = 0;
    if (sqlite3_prepare_v2(db, explain, -1, &st, NULL) == SQLITE_OK)
        while (!found && sqlite3_step(st) == SQLITE_ROW) {
            const char *at = strstr((const char *)sqlite3_column_text(st, 3), word);
            found = at && (at[strlen(word)] == ' ' || !at[strlen(word)]);
        }
    (void)sqlite3_finalize(st);
    sqlite3_free(explain);
    sqlite3_free(word);
    return found;
}

static void print_users(sqlite3 *db, const char *folder, const char *index)
{
    struct dirent **files;
    int n = scandir(folder, &files, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(files[i]->d_name);
        if (len > 4 && strcmp(files[i]->d_name + len - 4, ".sql") == 0 && strcmp(files[i]->d_name, "schema.sql") != 0) {
            char *sql = text_of(folder, files[i]->d_name);
            if (uses(db, sql, index))
                printf(" %.*s", (int)len - 4, files[i]->d_name);
            free(sql);
        }
        free(files[i]);
    }
    free(files);
    printf("\n");
}

int main(int argc, char **argv)
{
    sqlite3 *db, *other;
    sqlite3_stmt *st;
    if (argc != 3 || sqlite3_open(argv[1], &db) != SQLITE_OK)
        return 2;
    other = copy_of(db);
    double all = live(other);
    (void)sqlite3_close(other);
    printf("all %.1f\n", all);
    if (sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
                           -1, &st, NULL))
        fail(db, "indexes");
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        char *drop = sqlite3_mprintf("DROP INDEX %w", name);
        other = copy_of(db);
        run(other, drop);
        printf("%s %.1f", name, all - live(other));
        (void)sqlite3_close(other);
        sqlite3_free(drop);
        print_users(db, argv[2], name);
    }
    (void)sqlite3_finalize(st);
    return sqlite3_close(db) != SQLITE_OK;
}
