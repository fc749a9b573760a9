/* SPDX-License-Identifier: MIT */
/* What is stored: the database and its schema, the clock against the newest run, runs that nobody drives, and logs of
 * runs that are gone. Only looked at; `ork db check` looks for damage. */
#include "engine/doctor.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include "engine/engine.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define RELEASED_MS 1767225600000 /* 2026-01-01: no clock that goes right is before it */
#define SKEW_MS 60000
#define SHOWN 3 /* runs named in a line */

/* ---- the database ---- */

static const char *hint_for(int code)
{
    switch (code) {
    case ORK_ESTATE:
        return "ork db migrate, or just run something: it is done then";
    case ORK_ECORRUPT:
        return "if it was one, take the last copy (of an SQLite file, what can still be read: sqlite3 FILE .recover)";
    default:
        return NULL;
    }
}

static void on_finding(void *data, int state, const char *name, const char *hint, const char *text)
{
    static const enum ork_finding states[] = {ORK_FINDING_OK, ORK_FINDING_WARNING, ORK_FINDING_PROBLEM};

    ork_doctor_add(data, states[state], name, hint, "%s", text);
}

static void describe(struct ork_doctor *d, ork_engine *e)
{
    const char *path = ork_store_path(e->store);
    struct stat st;
    ork_err err;

    if (ork_store_examine(e->store, on_finding, d, &err) != 0)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "database", hint_for(err.code), "%s", err.msg);
    if (!path || stat(path, &st) < 0)
        return;
    int wal = ork_store_wal(e->store);
    if (wal < 0)
        ork_doctor_add(d, ORK_FINDING_OK, "database", NULL, "%s (schema %d, %.1f MB)", path, ork_store_schema(),
                       (double)st.st_size / 1e6);
    else if (!wal)
        ork_doctor_add(d, ORK_FINDING_WARNING, "database", "start any run: it is set again",
                       "%s does not use a write-ahead log: readers wait for writers", path);
    else
        ork_doctor_add(d, ORK_FINDING_OK, "database", NULL, "%s (schema %d, WAL, %.1f MB)", path, ork_store_schema(),
                       (double)st.st_size / 1e6);
}

/* ---- the clock ---- */

static void the_clock(struct ork_doctor *d, ork_engine *e)
{
    int64_t now = ork_clock_system.now_ms(ork_clock_system.data), newest = 0;
    struct ork_rows *rows = NULL;
    char text[32], ahead[32];
    ork_err err;

    ork_time_format(now, text);
    if (e && ork_store_query(e->store, ORK_Q_run_last, NULL, 0, &rows, &err) == 0 && ork_rows_len(rows) > 0)
        newest = ork_rows_time(rows, 0, "created_at");
    ork_rows_free(rows);
    if (now < RELEASED_MS) {
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "clock", "set it (timedatectl set-ntp true): retries and dates go by it",
                       "it says %s", text);
    } else if (newest > now + SKEW_MS) {
        ork_duration_format(newest - now, ahead);
        ork_doctor_add(d, ORK_FINDING_WARNING, "clock", "set it (timedatectl set-ntp true)",
                       "it says %s, but the newest run was stored %s later: it was set back", text, ahead);
    } else {
        ork_doctor_add(d, ORK_FINDING_OK, "clock", NULL, "%s", text);
    }
}

/* ---- runs that nobody drives ---- */

static void orphans(struct ork_doctor *d, ork_engine *e)
{
    struct ork_rows *rows = NULL;
    struct ork_buf names = ORK_BUF_INIT;
    size_t n = 0, driven = 0;
    ork_err err;

    if (ork_store_query(e->store, ORK_Q_waiting_runs, NULL, 0, &rows, &err) != 0) {
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "runs", "ork db check", "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        ork_id owner, id;
        char shown[9];
        if (ork_rows_id(rows, i, "scheduler_id", &owner) && ork_store_owner_alive(e->store, &owner)) {
            driven++;
        } else if (++n <= SHOWN && ork_rows_id(rows, i, "id", &id)) {
            ork_id_short(&id, shown);
            ork_buf_addf(&names, "%s%s (%s)", names.len ? ", " : "", shown, ork_rows_text(rows, i, "workflow"));
        }
    }
    if (n)
        ork_doctor_add(d, ORK_FINDING_WARNING, "runs", "go on with them: ork resume RUN; or end them: ork cancel RUN",
                       "%zu unfinished that no program drives: %s%s", n, names.data, n > SHOWN ? ", …" : "");
    else
        ork_doctor_add(d, ORK_FINDING_OK, "runs", NULL, "%zu under way, none without a program that drives it", driven);
    ork_buf_fini(&names);
    ork_rows_free(rows);
}

/* ---- logs of runs that are gone ---- */

static bool known(ork_engine *e, const ork_id *id)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    ork_err err;
    bool found = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, &err) != 0 || ork_rows_len(rows) > 0;

    ork_rows_free(rows);
    return found;
}

static void leftovers(struct ork_doctor *d, ork_engine *e)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_path_join(d->data_dir, "logs");
    DIR *dir = opendir(path);
    struct dirent *entry;
    size_t folders = 0, gone = 0;
    char first[ORK_ID_TEXT] = "", hint[768];
    ork_id id;

    while (dir && (entry = readdir(dir))) {
        if (strlen(entry->d_name) != ORK_ID_TEXT - 1 || ork_id_parse(entry->d_name, ORK_ID_TEXT - 1, &id) != 0)
            continue;
        folders++;
        if (!known(e, &id) && gone++ == 0)
            memcpy(first, entry->d_name, sizeof first);
    }
    int error = dir || errno == ENOENT ? 0 : errno;
    if (dir)
        closedir(dir);
    (void)snprintf(hint, sizeof hint, "remove them: rm -r %s/%s%s", path, first, gone > 1 ? " …" : "");
    if (error)
        ork_doctor_add(d, ORK_FINDING_WARNING, "leftovers", NULL, "cannot look into %s: %s", path, strerror(error));
    else if (gone)
        ork_doctor_add(d, ORK_FINDING_WARNING, "leftovers", hint, "%zu folder%s of logs whose runs are gone", gone,
                       gone == 1 ? "" : "s");
    else
        ork_doctor_add(d, ORK_FINDING_OK, "leftovers", NULL, "none; logs of %zu run%s", folders,
                       folders == 1 ? "" : "s");
}

/* Where the data would be, when the database itself cannot be opened; NULL when that is not known. */
static char *place_without(const struct ork_doctor *d)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = NULL;
    ORK_CLEANUP(ork_free_cleanup) char *dir = NULL;
    char *place = NULL;
    ork_err err;

    if (d->opts->data_dir)
        dir = ork_strdup(d->opts->data_dir);
    else if (d->opts->url && ork_store_path_of_url(d->opts->url, &path, &err) == 0 && path)
        dir = ork_path_dirname(path);
    return dir && ork_path_absolute(dir, &place, &err) == 0 ? place : NULL;
}

void ork_doctor_data(struct ork_doctor *d)
{
    struct ork_engine_opts o = *d->opts;
    ORK_CLEANUP(ork_free_cleanup) char *path = NULL;
    ork_engine *e = NULL;
    ork_err err, none;
    bool is_file = o.url && ork_store_path_of_url(o.url, &path, &none) == 0 && path;

    o.flags = ORK_OPEN_READ;
    o.loop = NULL;
    o.log_level = -1;
    if (!o.url) {
        ork_doctor_add(d, ORK_FINDING_OK, "database", NULL, "none here or above; `ork SCRIPT` makes one");
    } else if (is_file && !ork_doctor_lock(d, path)) {
        /* it would never open */
    } else if (ork_engine_open(&o, &e, &err) != 0) {
        e = NULL;
        bool old = err.code == ORK_ESTATE;
        ork_doctor_add(d, old ? ORK_FINDING_WARNING : ORK_FINDING_PROBLEM, "database", hint_for(err.code), "%s",
                       err.msg);
    } else {
        d->data_dir = ork_strdup(ork_engine_data_dir(e));
        describe(d, e);
    }
    if (!d->data_dir)
        d->data_dir = place_without(d);
    the_clock(d, e);
    if (e) {
        orphans(d, e);
        leftovers(d, e);
    }
    ork_engine_close(e);
}
