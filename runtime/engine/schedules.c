/* SPDX-License-Identifier: MIT */
/* Schedules of the database, as `ork serve` acts on them. The database is the heap: the row with the least fire_at is
 * what the one timer is armed to, whether there are ten schedules or a hundred thousand, and nothing of them is kept
 * here. A look reads what is due (a bell, the timer, the end of a run that a schedule waits for), takes one step for
 * each, and looks again when those are durable.
 *
 * A check goes over all of them a page at a time: when the program starts, when the clock was set, when the zones of
 * the system changed. A next time in the future that is not the one from now on is put right (a clock that was a year
 * ahead and is back would silence everything for a year); one in the past stays, and is caught up. */
#include "core/due.h"
#include "engine/zone_watch.h"
#include "engine/zones.h"
#include <string.h>

#define STUCK_MS 60000 /* the database refused even to go on: no loop without end */
#define PAGE 200       /* schedules acted on, or checked, in one commit */

static bool may_look(const ork_engine *e)
{
    return e->serve.on && !e->closing && !e->fenced && !e->ending;
}

int ork_schedules_parse(ork_engine *e, const char *options, const char *original, struct ork_schedule **out,
                        ork_err *err)
{
    struct ork_tz *zone = NULL;
    json_t *o = options ? json_loads(options, 0, NULL)
                        : json_pack("{s:s,s:s}", "cron", original ? original : "", "dialect", "original");
    int rc = 0;

    if (!o)
        rc = ork_err_set(err, ORK_ECORRUPT, "its stored schedule is no JSON");
    if (!rc)
        rc = ork_zones_get(ork_engine_zones(e), ork_schedule_zone(o), &zone, err);
    if (!rc)
        rc = ork_schedule_parse(o, zone, out, err);
    if (!rc)
        ork_zone_watch_add(e, ork_tz_name(zone));
    ork_tz_unref(zone);
    json_decref(o);
    return rc;
}

/* ---- looking ---- */

static void look_if_wanted(ork_engine *e)
{
    struct ork_serve *s = &e->serve;

    if (s->again && !s->reading && !s->fires && !s->checking) {
        s->again = false;
        ork_schedules_look(e);
    }
}

void ork_fire_done(ork_engine *e, bool stuck)
{
    struct ork_serve *s = &e->serve;

    s->fires--;
    s->stuck |= stuck;
    s->again = true;
    if (s->fires)
        return;
    if (s->stuck && may_look(e)) {
        s->stuck = s->again = false;
        ork_timers_schedule(e, ork_engine_now(e) + STUCK_MS);
        return;
    }
    look_if_wanted(e);
}

/* Of those that are not due yet: a schedule that another program applied is met here first, and its zone may change
 * before it fires. Watched before it is read; true: it is new here, and may have changed since the next time was found.
 */
static bool keep_zones(ork_engine *e, const struct ork_rows *rows, size_t from)
{
    struct ork_zones *zones = ork_engine_zones(e);
    bool fresh = false;

    for (size_t i = from; i < ork_rows_len(rows); i++) {
        const char *name = ork_rows_text(rows, i, "timezone");
        struct ork_tz *zone = NULL;
        if (!name || ork_zones_knows(zones, name))
            continue;
        ork_zone_watch_add(e, name);
        fresh |= ork_zones_get(zones, name, &zone, NULL) == 0;
        ork_tz_unref(zone);
    }
    return fresh;
}

static void on_due(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;
    struct ork_serve *s = &e->serve;
    int64_t now = ork_engine_now(e), next = 0;
    bool fresh = false;

    e->works--;
    s->reading = false;
    if (code)
        ork_log_warn(&e->log, "schedules cannot be read error=%s", ORK_LOG_VALUE(err->msg));
    size_t n = rows ? ork_rows_len(rows) : 0;
    for (size_t i = 0; i < n && may_look(e); i++) {
        int64_t at = ork_rows_time(rows, i, "fire_at");
        if (at > now) {
            next = at;
            fresh = keep_zones(e, rows, i);
            break;
        }
        s->fires++;
        ork_fire_step(e, rows, i);
    }
    ork_rows_free(rows);
    if (may_look(e) && !code)
        ork_timers_schedule(e, next); /* none: what is left is looked at after these steps */
    if (fresh)
        ork_schedules_check(e);
    look_if_wanted(e);
    ork_engine_turn(e);
}

void ork_schedules_look(ork_engine *e)
{
    struct ork_serve *s = &e->serve;
    struct ork_param p[] = {ORK_P_INT(PAGE)};

    if (!may_look(e))
        return;
    if (s->reading || s->fires || s->checking) {
        s->again = true;
        return;
    }
    s->reading = true;
    e->works++;
    ork_store_read(e->store, ORK_Q_schedules_due, p, 1, on_due, e);
}

/* ---- checking ---- */

static void check_page(ork_engine *e);

static void end_check(ork_engine *e)
{
    struct ork_serve *s = &e->serve;

    ork_free(s->check_after);
    s->check_after = NULL;
    s->checking = false;
    if (s->check_again) {
        s->check_again = false;
        ork_schedules_check(e);
        return;
    }
    s->again = false;
    ork_schedules_look(e);
}

static void put_right(ork_engine *e, const struct ork_rows *rows, size_t i)
{
    struct ork_schedule *s = NULL;
    struct ork_schedule_put put = {.enabled = -1, .now_ms = ork_engine_now(e)};
    int64_t at = ork_rows_time(rows, i, "fire_at"), now = put.now_ms;
    const char *options = ork_rows_text(rows, i, "schedule_options"), *name = ork_rows_text(rows, i, "name");
    ork_err err = {0};

    if (!ork_rows_id(rows, i, "id", &put.workflow_id))
        return;
    put.expected_ms = ork_rows_time(rows, i, "next_scheduled_at");
    if (ork_schedules_parse(e, options, ork_rows_text(rows, i, "schedule"), &s, &err) != 0) {
        ork_log_error(&e->log, "schedule is of no use workflow=%s error=%s", ORK_LOG_VALUE(name),
                      ORK_LOG_VALUE(err.msg));
        return;
    }
    const uint8_t *seed = put.workflow_id.b;
    if (put.expected_ms > now || !put.expected_ms) {
        (void)ork_due_begin(s, seed, sizeof(put.workflow_id.b), now, &put.next_ms, &put.fire_ms);
    } else {
        put.next_ms = put.expected_ms;
        put.fire_ms = put.expected_ms + ork_schedule_jitter(s, seed, sizeof(put.workflow_id.b), put.expected_ms);
    }
    ork_schedule_free(s);
    if (put.next_ms == put.expected_ms && put.fire_ms == at)
        return;
    struct ork_schedule_put *own = ork_zalloc(sizeof(*own));
    *own = put;
    ork_commit_unit(e, ORK_UNIT_SCHEDULE, NULL, true)->schedule = own;
    (void)ork_commit_text(e, (char *)own); /* freed with the batch */
}

static void on_page_stored(void *data, int code, const ork_err *err)
{
    ork_engine *e = data;

    (void)code;
    (void)err;
    if (may_look(e))
        check_page(e);
    else
        e->serve.checking = false;
}

static void on_page(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;
    size_t n = rows ? ork_rows_len(rows) : 0;

    e->works--;
    if (code)
        ork_log_warn(&e->log, "schedules cannot be read error=%s", ORK_LOG_VALUE(err->msg));
    if (!may_look(e) || code || n == 0) {
        ork_rows_free(rows);
        if (may_look(e))
            end_check(e);
        else
            e->serve.checking = false;
        return;
    }
    for (size_t i = 0; i < n; i++)
        put_right(e, rows, i);
    ork_free(e->serve.check_after);
    e->serve.check_after = ork_strdup(ork_rows_text(rows, n - 1, "name"));
    ork_rows_free(rows);
    ork_commit_call(e, on_page_stored, e);
    ork_engine_turn(e);
}

static void check_page(ork_engine *e)
{
    struct ork_param p[] = {ORK_P_TEXT(NULL), ORK_P_INT(1), ORK_P_TEXT(e->serve.check_after), ORK_P_INT(PAGE)};

    e->works++;
    ork_store_read(e->store, ORK_Q_schedules_list, p, 4, on_page, e);
}

void ork_schedules_check(ork_engine *e)
{
    if (!may_look(e))
        return;
    if (e->serve.checking) {
        e->serve.check_again = true;
        return;
    }
    e->serve.checking = true;
    check_page(e);
}

void ork_schedules_fini(ork_engine *e)
{
    ork_free(e->serve.check_after);
}
