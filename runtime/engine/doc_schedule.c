/* SPDX-License-Identifier: MIT */
/* Documents about schedules: the list of `ork schedule`, and what `ork status` says of them. */
#include "engine/engine.h"
#include <string.h>

#define NEXT_MOST 5
#define TROUBLED_MOST 20

static void write_schedule(const struct ork_rows *r, size_t i, struct ork_buf *b)
{
    const char *options = ork_rows_text(r, i, "schedule_options");

    ork_buf_addc(b, '{');
    ork_doc_text(b, "workflow", ork_rows_text(r, i, "name"));
    ork_doc_text(b, "schedule", ork_rows_text(r, i, "schedule"));
    ork_doc_raw(b, "options", options);
    ork_doc_raw(b, "original", options ? "false" : "true");
    ork_doc_raw(b, "enabled", ork_rows_int(r, i, "schedule_enabled", 0) ? "true" : "false");
    ork_doc_time(b, "off_since", ork_rows_time(r, i, "schedule_off_at"));
    ork_doc_time(b, "next_scheduled_at", ork_rows_time(r, i, "next_scheduled_at"));
    ork_doc_time(b, "fire_at", ork_rows_time(r, i, "fire_at"));
    ork_doc_raw(b, "waits_for_run", ork_rows_int(r, i, "fire_waits", 0) ? "true" : "false");
    ork_doc_time(b, "last_scheduled_at", ork_rows_time(r, i, "last_scheduled_at"));
    ork_doc_raw(b, "note", ork_rows_text(r, i, "schedule_note"));
    ork_doc_text(b, "script_path", ork_rows_text(r, i, "script_path"));
    ork_doc_text(b, "script_error", ork_rows_text(r, i, "script_error"));
    ork_buf_addc(b, '}');
}

int ork_schedules_json(ork_engine *e, const char *filter, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    json_t *f = NULL;
    int rc = filter ? ork_json_parse(filter, strlen(filter), &f, err) : 0;

    if (!rc) {
        json_t *limit = json_object_get(f, "limit");
        struct ork_param p[] = {ORK_P_TEXT(json_string_value(json_object_get(f, "name"))),
                                ORK_P_INT(json_is_true(json_object_get(f, "enabled"))),
                                ORK_P_TEXT(json_string_value(json_object_get(f, "after"))),
                                ORK_P_INT(json_is_integer(limit) ? json_integer_value(limit) : -1)};
        rc = ork_store_query(e->store, ORK_Q_schedules_list, p, 4, &rows, err);
    }
    ork_buf_addc(&b, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        if (i)
            ork_buf_addc(&b, ',');
        write_schedule(rows, i, &b);
    }
    ork_buf_addc(&b, ']');
    ork_rows_free(rows);
    json_decref(f);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

static int write_next(ork_engine *e, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_INT(NEXT_MOST)};
    int rc = ork_store_query(e->store, ORK_Q_schedules_head, p, 1, &rows, err);

    ork_doc_key(out, "next");
    ork_buf_addc(out, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        ork_buf_adds(out, i ? ",{" : "{");
        ork_doc_text(out, "workflow", ork_rows_text(rows, i, "name"));
        ork_doc_time(out, "next_scheduled_at", ork_rows_time(rows, i, "next_scheduled_at"));
        ork_doc_raw(out, "waits_for_run", ork_rows_int(rows, i, "fire_waits", 0) ? "true" : "false");
        ork_doc_raw(out, "options", ork_rows_text(rows, i, "schedule_options"));
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return rc;
}

int ork_doc_schedules(ork_engine *e, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_INT(TROUBLED_MOST)};
    int rc = write_next(e, out, err);

    if (!rc)
        rc = ork_store_query(e->store, ORK_Q_schedules_troubled, p, 1, &rows, err);
    ork_doc_key(out, "trouble");
    ork_buf_addc(out, '[');
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        ork_buf_adds(out, i ? ",{" : "{");
        ork_doc_text(out, "workflow", ork_rows_text(rows, i, "name"));
        ork_doc_raw(out, "note", ork_rows_text(rows, i, "schedule_note"));
        ork_doc_text(out, "script_path", ork_rows_text(rows, i, "script_path"));
        ork_doc_text(out, "script_error", ork_rows_text(rows, i, "script_error"));
        ork_buf_addc(out, '}');
    }
    ork_buf_addc(out, ']');
    ork_rows_free(rows);
    return rc;
}
