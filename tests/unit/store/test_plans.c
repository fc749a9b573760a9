/* SPDX-License-Identifier: MIT */
/* How SQLite carries out every query: none on the way of a run reads a table from its first row to its last. What may
 * is named here, with why. */
#include "store/lib_store.h"
#include "base/embed.h"
#include "store/sqlite/conn.h"
#include <stdio.h>

/* Asked by a person, or once a day, and about everything there is; or of a table that stays small. */
static const struct {
    const char *query, *table;
} scans[] = {
    {"workflows_list", "w"},         /* all workflows, in the order of their names */
    {"schedules_list", "workflows"}, /* the same; serve goes over it when the clock or the zones change */
    {"schedules_head", "workflows"}, /* ork status */
    {"schedules_troubled", "workflows"},
    {"pools_list", "pools"},
    {"pools_list", "p"},
    {"remains_list", "run_remains"}, /* log folders that are left to be removed */
    {"script_error", "workflows"},   /* a script was loaded again */
    {"runs_match", "found"},         /* the few that were found */
    {"seq_next", "sqlite_sequence"}, /* SQLite's own: a row for each table that counts */
    {"scheduler_outbid", "sqlite_sequence"},
    {"seq_raise", "sqlite_sequence"},
};

static bool is_allowed(const char *query, const char *detail)
{
    char scan[80];

    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) {
        (void)snprintf(scan, sizeof scan, "SCAN %s", scans[i].table);
        size_t n = strlen(scan);
        if (strcmp(query, scans[i].query) == 0 && strncmp(detail, scan, n) == 0 && (!detail[n] || detail[n] == ' '))
            return true;
    }
    /* rows that the query itself made, constants, and indexes that hold nothing but what is asked for */
    return strstr(detail, "SUBQUERY") || strstr(detail, "CONSTANT ROW") || strstr(detail, "(subquery") ||
           strstr(detail, "VIRTUAL TABLE") || strstr(detail, "json_each") || strstr(detail, "SCAN sizes") ||
           strstr(detail, "SCAN totals") || strstr(detail, "SCAN found") || strcmp(detail, "SCAN a") == 0 ||
           strstr(detail, "SCAN above") || strstr(detail, "USING INDEX") || strstr(detail, "USING COVERING INDEX");
}

static int explain(sqlite3 *db, const char *name, const char *sql)
{
    struct ork_buf text = ORK_BUF_INIT;
    sqlite3_stmt *st = NULL;
    int bad = 0;

    ork_buf_addf(&text, "EXPLAIN QUERY PLAN %s", sql);
    if (sqlite3_prepare_v2(db, text.data, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", name, sqlite3_errmsg(db));
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(st, 3);
        if (strncmp(detail, "SCAN ", 5) == 0 && !is_allowed(name, detail)) {
            print_error("%s: %s\n", name, detail);
            bad++;
        }
    }
    (void)sqlite3_finalize(st);
    ork_buf_fini(&text);
    return bad;
}

static void test_no_query_reads_a_table_through(void **state)
{
    (void)state;
    static const char *const names[] = {
#define X(name) #name,
        ORK_QUERIES(X) ORK_STATEMENTS(X)
#undef X
    };
    struct test_store t;
    char *url = test_url("plans.db"), *path = test_path("plans.db"), file[80];
    sqlite3 *db;
    int bad = 0;

    test_open(&t, url);
    test_close(&t);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(file, sizeof file, "%s.sql", names[i]);
        const struct ork_embedded *sql = ork_sqlite_sql(file);
        assert_non_null(sql);
        bad += explain(db, names[i], sql->start);
    }
    (void)sqlite3_close(db);
    ork_free(url);
    ork_free(path);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_query_reads_a_table_through)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
