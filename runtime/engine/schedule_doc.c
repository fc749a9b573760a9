/* SPDX-License-Identifier: MIT */
/* Schedules for those who only look: texts checked while a script loads, and the next fires as a document. Local times
 * are told as the zone's clocks show them, with what makes a fire different from its neighbours. */
#include "engine/engine.h"
#include "engine/zones.h"
#include "core/schedule.h"
#include "base/alloc.h"
#include "base/time.h"
#include <stdio.h>
#include <string.h>

#define MOST_FIRES 10000

typedef struct ork_tz *zone_ref;

static void zone_unref(zone_ref *z)
{
    ork_tz_unref(*z);
}

static void zones_free(struct ork_zones **z)
{
    ork_zones_free(*z);
}

static void schedule_free(struct ork_schedule **s)
{
    ork_schedule_free(*s);
}

static void option_free(json_t **v)
{
    json_decref(*v);
}

/* ---- checks --------------------------------------------------------------------------------- */

int ork_cron_check(const char *cron, int64_t now_ms, const char **warning, struct ork_cron_wrong *wrong)
{
    struct ork_cron c;
    struct ork_cron_mistake m;
    bool bad = ork_cron_parse(cron, 0, &c, &m) < 0 || ork_cron_over(&c, cron, now_ms / 1000, &m);

    *warning = bad ? NULL : ork_cron_warning(&c);
    if (bad && wrong) {
        *wrong = (struct ork_cron_wrong){.at = m.at, .len = m.len};
        memcpy(wrong->text, m.text, sizeof wrong->text);
        memcpy(wrong->hint, m.hint, sizeof wrong->hint);
    }
    return bad ? ORK_EINVAL : 0;
}

int ork_zone_check(const char *name, char near[64], ork_err *err)
{
    ORK_CLEANUP(zones_free) struct ork_zones *zones = ork_zones_new();
    ORK_CLEANUP(zone_unref) zone_ref tz = NULL;
    int rc = ork_zones_get(zones, name, &tz, err);

    near[0] = '\0';
    if (rc == ORK_ENOTFOUND || rc == ORK_EINVAL)
        ork_zones_suggest(zones, name, near);
    return rc;
}

void ork_zone_local(char out[64])
{
    ork_zones_local(out);
}

/* ---- fires ---------------------------------------------------------------------------------- */

/* "2026-03-29 03:00:00" */
static void put_civil(struct ork_buf *b, const char *key, int64_t local_s)
{
    char text[32];

    ork_time_format(local_s * 1000, text);
    text[10] = ' ';
    text[19] = '\0';
    ork_doc_text(b, key, text);
}

static void put_local(struct ork_buf *b, const struct ork_tz *z, int64_t at_s, bool *dst)
{
    const char *abbrev;
    char text[16];
    int32_t offset = ork_tz_offset(z, at_s, dst, &abbrev), v = offset < 0 ? -offset : offset;

    put_civil(b, "local", at_s + offset);
    int n = snprintf(text, sizeof text, "%c%02d:%02d", offset < 0 ? '-' : '+', v / 3600, v / 60 % 60);
    if (v % 60)
        snprintf(text + n, sizeof text - (size_t)n, ":%02d", v % 60);
    ork_doc_text(b, "offset", text);
    ork_doc_text(b, "abbrev", abbrev);
}

/* The last change of the offset after one instant, up to another. */
static void put_change(struct ork_buf *b, const struct ork_tz *z, int64_t after_s, int64_t at_s)
{
    struct ork_tz_span s, before;

    ork_doc_key(b, "change");
    for (ork_tz_span(z, at_s, &s); s.from_s > after_s; s = before) {
        ork_tz_span(z, s.from_s - 1, &before);
        if (before.offset_s == s.offset_s)
            continue;
        ork_buf_addc(b, '{');
        ork_doc_int(b, "at", s.from_s * 1000);
        ork_doc_int(b, "by_s", s.offset_s - before.offset_s);
        ork_buf_addc(b, '}');
        return;
    }
    ork_buf_adds(b, "null");
}

static void put_fire(struct ork_buf *b, const struct ork_schedule *s, const struct ork_tz *viewer, int64_t before_ms,
                     int64_t at_ms)
{
    struct ork_schedule_fire f;
    bool dst;

    ork_schedule_explain(s, at_ms, &f);
    ork_buf_addc(b, '{');
    ork_doc_int(b, "at", at_ms);
    put_local(b, s->zone, at_ms / 1000, &dst);
    ork_doc_raw(b, "dst", dst ? "true" : "false");
    if (viewer) {
        ork_doc_key(b, "viewer");
        ork_buf_addc(b, '{');
        put_local(b, viewer, at_ms / 1000, NULL);
        ork_buf_addc(b, '}');
    } else {
        ork_doc_raw(b, "viewer", NULL);
    }
    put_change(b, s->zone, before_ms / 1000, at_ms / 1000);
    if (f.shifted)
        put_civil(b, "shifted_from", f.meant_s);
    else
        ork_doc_raw(b, "shifted_from", NULL);
    if (f.occurrence)
        ork_doc_int(b, "occurrence", f.occurrence);
    else
        ork_doc_raw(b, "occurrence", NULL);
    ork_buf_addc(b, '}');
}

static void put_fires(struct ork_buf *b, const struct ork_schedule *s, const struct ork_tz *viewer, int64_t after_ms,
                      uint32_t n)
{
    int64_t at_ms;

    ork_doc_key(b, "fires");
    ork_buf_addc(b, '[');
    for (uint32_t i = 0; i < n && ork_schedule_next(s, after_ms, &at_ms); i++, after_ms = at_ms) {
        if (i > 0)
            ork_buf_addc(b, ',');
        put_fire(b, s, viewer, after_ms, at_ms);
    }
    ork_buf_addc(b, ']');
}

int ork_schedule_fires_json(const char *text, int64_t after_ms, uint32_t n, const char *viewer_name, char **json,
                            size_t *len, ork_err *err)
{
    ORK_CLEANUP(option_free) json_t *option = NULL;
    ORK_CLEANUP(zones_free) struct ork_zones *zones = ork_zones_new();
    ORK_CLEANUP(zone_unref) zone_ref zone = NULL, viewer = NULL;
    ORK_CLEANUP(schedule_free) struct ork_schedule *s = NULL;
    int rc = ork_json_parse(text, strlen(text), &option, err);

    if (rc == 0)
        rc = ork_zones_get(zones, ork_schedule_zone(option), &zone, err);
    if (rc == 0 && viewer_name)
        rc = ork_zones_get(zones, viewer_name, &viewer, err);
    if (rc == 0)
        rc = ork_schedule_parse(option, zone, &s, err);
    if (rc < 0)
        return rc;
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_addc(&b, '{');
    ork_doc_text(&b, "timezone", ork_tz_name(zone));
    ork_doc_text(&b, "viewer", viewer_name);
    if (s->every_ms)
        ork_doc_int(&b, "every_ms", s->every_ms);
    else
        ork_doc_text(&b, "cron", json_string_value(json_object_get(option, "cron")));
    put_fires(&b, s, viewer, after_ms, n < MOST_FIRES ? n : MOST_FIRES);
    ork_buf_addc(&b, '}');
    *json = ork_buf_steal(&b, len);
    return 0;
}
