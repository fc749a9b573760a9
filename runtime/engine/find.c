/* SPDX-License-Identifier: MIT */
/* Runs as people name them: "last", a workflow's name, last~1 and NAME~1 (the one before), or any unique beginning or
 * end of an id or of its last 8 digits, which are what people are shown. */
#include "engine/engine.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SUGGESTED 200       /* names of workflows that are looked at for a suggestion */
#define FARTHEST_BACK 10000 /* of last~N: the rows before it are read */

static int take(struct ork_rows *rows, size_t row, char run_id[ORK_ID_TEXT])
{
    ork_id id;

    if (ork_rows_len(rows) <= row || !ork_rows_id(rows, row, "id", &id))
        return ORK_ENOTFOUND;
    ork_id_format(&id, run_id);
    return 0;
}

/* The end of NAME~N: N and where the tilde is; NULL when it is just a name. */
static const char *places_back(const char *name, long *back)
{
    const char *tilde = strrchr(name, '~');
    char *end = NULL;

    *back = 0;
    if (!tilde || !tilde[1])
        return NULL;
    *back = strtol(tilde + 1, &end, 10);
    if (*end == '\0' && *back >= 0)
        return tilde;
    *back = 0;
    return NULL;
}

static int by_workflow(ork_engine *e, const char *name, char run_id[ORK_ID_TEXT], ork_err *err)
{
    struct ork_rows *rows = NULL;
    long back;
    const char *tilde = places_back(name, &back);
    char *base = ork_strndup(name, tilde ? (size_t)(tilde - name) : strlen(name));
    struct ork_param p[] = {ORK_P_TEXT(base), ORK_P_INT(back)};
    int rc = ork_store_query(e->store, ORK_Q_runs_of_workflow, p, 2, &rows, err);
    if (!rc)
        rc = take(rows, 0, run_id);
    ork_rows_free(rows);
    ork_free(base);
    return rc;
}

/* Hexadecimal digits without hyphens; 0 when it is something else. */
static size_t hex_digits(const char *text, char out[33])
{
    size_t n = 0;

    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (!isxdigit((unsigned char)*text) || n == 32)
            return 0;
        out[n++] = (char)tolower((unsigned char)*text);
    }
    out[n] = '\0';
    return n;
}

static int by_id(ork_engine *e, const char *name, char run_id[ORK_ID_TEXT], ork_err *err)
{
    char hex[33];
    struct ork_rows *rows = NULL;

    if (hex_digits(name, hex) < 4)
        return ORK_ENOTFOUND;
    struct ork_param p[] = {ORK_P_TEXT(hex), ORK_P_TEXT(hex), ORK_P_INT(6)};
    int rc = ork_store_query(e->store, ORK_Q_runs_match, p, 3, &rows, err);
    size_t n = rc ? 0 : ork_rows_len(rows);
    if (n == 1) {
        rc = take(rows, 0, run_id);
    } else if (n > 1) {
        struct ork_buf b = ORK_BUF_INIT;
        for (size_t i = 0; i < n && i < 5; i++) {
            ork_id id;
            char short_id[9];
            if (!ork_rows_id(rows, i, "id", &id))
                continue;
            ork_id_short(&id, short_id);
            ork_buf_addf(&b, "%s%s (%s, %s)", i ? ", " : "", short_id, ork_rows_text(rows, i, "workflow"),
                         ork_rows_text(rows, i, "status"));
        }
        rc = ork_err_set(err, ORK_EAMBIGUOUS, "`%s` matches more than one run: %s%s; give more digits", name, b.data,
                         n > 5 ? ", …" : "");
        ork_buf_fini(&b);
    } else if (!rc) {
        rc = ORK_ENOTFOUND;
    }
    ork_rows_free(rows);
    return rc;
}

/* Nobody is called so: who is called nearly so? */
static int not_found(ork_engine *e, const char *name, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_NULL, ORK_P_INT(0), ORK_P_NULL, ORK_P_INT(SUGGESTED)};
    long back;
    const char *names[SUGGESTED + 1], *tilde = places_back(name, &back);
    ork_err none;
    size_t n = 0;

    if (ork_store_query(e->store, ORK_Q_workflows_list, p, 4, &rows, &none) == 0) {
        for (; n < ork_rows_len(rows) && n < SUGGESTED; n++)
            names[n] = ork_rows_text(rows, n, "name");
    }
    names[n] = NULL;
    char *base = ork_strndup(name, tilde ? (size_t)(tilde - name) : strlen(name));
    const char *near = ork_suggest(base, names);
    bool known = false;
    for (size_t i = 0; i < n; i++)
        known |= strcmp(names[i], base) == 0;
    int rc = known && tilde ? ork_err_set(err, ORK_ENOTFOUND, "`%s` has not so many runs: there is no `%s`", base, name)
             : known        ? ork_err_set(err, ORK_ENOTFOUND, "`%s` has no runs yet", base)
             : near ? ork_err_set(err, ORK_ENOTFOUND, "no run and no workflow `%s`; did you mean `%s%s`?", name, near,
                                  tilde ? tilde : "")
                    : ork_err_set(err, ORK_ENOTFOUND, "no run and no workflow `%s`; `ork runs` lists the runs", name);
    ork_free(base);
    ork_rows_free(rows);
    return rc;
}

/* The newest run of all but `back`. */
static int by_age(ork_engine *e, long back, char run_id[ORK_ID_TEXT], ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_NULL, ORK_P_INT(back + 1)};
    int rc = back > FARTHEST_BACK ? ORK_ENOTFOUND
             : back               ? ork_store_query(e->store, ORK_Q_runs_list, p, 6, &rows, err)
                                  : ork_store_query(e->store, ORK_Q_run_last, NULL, 0, &rows, err);

    if (!rc)
        rc = take(rows, (size_t)back, run_id);
    if (rc == ORK_ENOTFOUND && back > FARTHEST_BACK)
        rc = ork_err_set(err, rc, "last~N reaches %d runs back; `ork runs` lists the older ones", FARTHEST_BACK);
    else if (rc == ORK_ENOTFOUND)
        rc = ork_rows_len(rows) == 0 ? ork_err_set(err, rc, "there are no runs yet")
                                     : ork_err_set(err, rc, "there are not so many runs: %zu in all, no `last~%ld`",
                                                   ork_rows_len(rows), back);
    ork_rows_free(rows);
    return rc;
}

int ork_run_find(ork_engine *e, const char *name, char run_id[ORK_ID_TEXT], ork_err *err)
{
    long back;
    const char *tilde = places_back(name, &back);

    if (strncmp(name, "last", 4) == 0 && (name[4] == '\0' || tilde == name + 4))
        return by_age(e, back, run_id, err);
    int rc = by_workflow(e, name, run_id, err);
    if (rc == ORK_ENOTFOUND)
        rc = by_id(e, name, run_id, err);
    return rc == ORK_ENOTFOUND ? not_found(e, name, err) : rc;
}
