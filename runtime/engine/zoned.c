/* SPDX-License-Identifier: MIT */
/* Dates of a run are those of its workflow's schedule: `ork.date("-1d")` at half past midnight in Berlin is Berlin's
 * yesterday. The core is told which zone that is; here it is read. */
#include "base/time.h"
#include "core/params.h"
#include "engine/engine.h"
#include "engine/zones.h"
#include <string.h>

struct ork_zones *ork_engine_zones(ork_engine *e)
{
    if (!e->zones)
        e->zones = ork_zones_new();
    return e->zones;
}

/* The zone's name by the options of a workflow; NULL: UTC. Borrowed from *options, which the caller frees. */
static const char *zone_name(const ork_workflow *w, json_t **options)
{
    const char *text = ork_workflow_options_json(w);

    *options = NULL;
    if (!text || !strstr(text, "timezone")) /* nearly all: nothing to parse */
        return NULL;
    *options = json_loads(text, 0, NULL);
    const char *name = json_string_value(json_object_get(json_object_get(*options, "schedule"), "timezone"));
    return name && strcmp(name, "UTC") != 0 ? name : NULL;
}

static int get_zone(struct ork_zones *zones, const ork_workflow *w, struct ork_tz **out, ork_err *err)
{
    json_t *options;
    const char *name = zone_name(w, &options);

    *out = NULL;
    int rc = name ? ork_zones_get(zones, name, out, err) : 0;
    json_decref(options);
    return rc;
}

int ork_zone_of(ork_engine *e, const ork_workflow *w, struct ork_tz **out, ork_err *err)
{
    return get_zone(ork_engine_zones(e), w, out, err);
}

int ork_workflow_params(const ork_workflow *w, const char *given, const char *texts, int64_t logical_ms,
                        ork_problem_cb on_problem, void *data, char **out, ork_err *err)
{
    struct ork_zones *zones = ork_zones_new();
    struct ork_tz *zone = NULL;
    int rc = get_zone(zones, w, &zone, err);

    if (!rc)
        rc = ork_workflow_params_at(w, given, texts, (struct ork_moment){logical_ms, zone}, on_problem, data, out, err);
    ork_tz_unref(zone);
    ork_zones_free(zones);
    return rc;
}

/* schedule.params with its dates at the time of the run. */
static int schedule_params(const json_t *exprs, struct ork_moment at, char **out, ork_err *err)
{
    struct ork_scope scope = {.logical = at};
    json_t *given = json_object(), *value = NULL;
    const char *key;
    json_t *expr;
    size_t len;
    int rc = 0;

    json_object_foreach((json_t *)exprs, key, expr)
    {
        rc = ork_expr_eval(expr, &scope, false, &value, err);
        if (rc)
            break;
        json_object_set_new(given, key, value);
    }
    if (!rc)
        rc = ork_json_text(given, out, &len, err);
    json_decref(given);
    return rc;
}

int ork_workflow_schedule_params(const ork_workflow *w, const char *texts, int64_t logical_ms, char **out, ork_err *err)
{
    struct ork_zones *zones = ork_zones_new();
    struct ork_tz *zone = NULL;
    json_t *all = json_loads(ork_workflow_options_json(w), 0, NULL);
    char *given = NULL;
    int rc = get_zone(zones, w, &zone, err);
    struct ork_moment at = {logical_ms, zone};

    if (!rc)
        rc = schedule_params(json_object_get(json_object_get(all, "schedule"), "params"), at, &given, err);
    if (!rc)
        rc = ork_workflow_params_at(w, given, texts, at, NULL, NULL, out, err);
    ork_free(given);
    ork_tz_unref(zone);
    ork_zones_free(zones);
    json_decref(all);
    return rc;
}

int ork_zone_date(int64_t ms, const char *name, int days, char out[16], ork_err *err)
{
    struct ork_zones *zones = ork_zones_new();
    struct ork_tz *zone = NULL;
    int64_t at, civil = 0;
    int rc = ork_zones_get(zones, name, &zone, err);

    if (!rc && !ork_moment_shift((struct ork_moment){ms, zone}, (int64_t)days * 86400000, &at, &civil))
        rc = ork_err_set(err, ORK_EINVAL, "that day is out of range");
    if (!rc)
        rc = ork_time_strftime(civil, civil, "%Y-%m-%d", out, 16, err);
    ork_tz_unref(zone);
    ork_zones_free(zones);
    return rc;
}

int ork_zone_instant(const char *text, const char *name, int64_t *ms, ork_err *err)
{
    struct ork_zones *zones = ork_zones_new();
    struct ork_tz *zone = NULL;
    int64_t civil, at[2];
    int rc = ork_time_parse(text, strlen(text), &civil, err);

    if (!rc)
        rc = ork_zones_get(zones, name, &zone, err);
    if (!rc) {
        (void)ork_tz_instants(zone, civil / 1000 - (civil % 1000 < 0), at);
        *ms = at[0] * 1000;
    }
    ork_tz_unref(zone);
    ork_zones_free(zones);
    return rc;
}
