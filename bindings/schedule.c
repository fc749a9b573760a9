/* SPDX-License-Identifier: MIT */
/* `schedule`: its shape is checked and it is stored with the workflow. */
#include "ref.h"
#include "workflow.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define MOST_MS (INT64_C(1) << 40) /* 34 years */

static void set_text(void *out, const char *key, const char *s)
{
    json_object_set_new(out, key, json_string(s));
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* "30 2 * * * cd /srv && ./job": a line of a crontab, with its command. */
static bool has_command(const char *s)
{
    for (int word = 0; word < 5; word++) {
        s += strspn(s, " \t");
        s += strcspn(s, " \t");
    }
    s += strspn(s, " \t");
    return *s == '/' || *s == '.' || strncmp(s, "cd ", 3) == 0 || strncmp(s, "root ", 5) == 0 || strstr(s, "&&");
}

static void read_cron(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_cron_wrong wrong;
    const char *warning;
    size_t n;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (!s)
        return;
    if (ork_cron_check(s, now_ms(), &warning, &wrong) < 0) {
        const char *hint = has_command(s)
                               ? "the command of a crontab goes to a task: w:task(\"name\", { command = \"…\" })"
                           : *wrong.hint ? wrong.hint
                                         : NULL;
        ork_lua_bad_inside(r, path, hint, s, wrong.at, wrong.len, "is no time of cron, \"%.60s\": %s", s, wrong.text);
        return;
    }
    if (warning)
        ork_lua_warn(r, path, NULL, "%s", warning);
    set_text(out, "cron", s);
}

static bool is_offset(const char *s) /* "GMT+1", "UTC-2", "+01:00" */
{
    if (strncasecmp(s, "GMT", 3) == 0 || strncasecmp(s, "UTC", 3) == 0)
        s += 3;
    return (*s == '+' || *s == '-') && s[1] >= '0' && s[1] <= '9';
}

static void read_timezone(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    char near[64], hint[120];
    ork_err err;
    size_t n;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    int rc = s ? ork_zone_check(s, near, &err) : 0;
    if (s && rc < 0 && is_offset(s)) {
        ork_lua_bad(
            r, path,
            "name a city, \"Europe/Berlin\", whose clocks are known (in Etc/GMT+1 the sign is reversed: it is UTC-1)",
            "is an offset, not a time zone: \"%.60s\"", s);
    } else if (s && rc < 0 && strcasecmp(s, "local") == 0) {
        ork_lua_bad(r, path, "name it, \"Europe/Berlin\": the zone of a machine is not that of the definition",
                    "is no time zone: \"%.60s\"", s);
    } else if (rc == ORK_ENOTFOUND || rc == ORK_EINVAL) {
        snprintf(hint, sizeof hint, "did you mean \"%s\"?", near);
        ork_lua_bad(r, path, *near ? hint : "zones are named like \"Europe/Berlin\" or \"UTC\"",
                    "is no time zone of this system: \"%.60s\"", s);
    } else if (rc < 0) {
        ork_lua_bad(r, path, NULL, "cannot be read: %s", err.msg);
    } else if (s) {
        set_text(out, "timezone", s);
    }
}

/* ---- the rest ---- */

static void read_ms(struct ork_lua_reader *r, int idx, const char *path, void *out, const char *key, int64_t least)
{
    int64_t ms;
    if (!ork_lua_read_duration(r, idx, path, &ms))
        return;
    if (ms < least)
        ork_lua_bad(r, path, NULL, "wants one second or more");
    else if (ms > MOST_MS)
        ork_lua_bad(r, path, NULL, "wants less than 12,000 days");
    else
        json_object_set_new(out, key, json_integer(ms));
}

static void read_every(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    read_ms(r, idx, path, out, "every_ms", 1000);
}

static void read_jitter(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    read_ms(r, idx, path, out, "jitter_ms", 0);
}

static void read_choice(struct ork_lua_reader *r, int idx, const char *path, void *out, const char *key,
                        const char *const *words)
{
    int word = ork_lua_read_word(r, idx, path, words);
    if (word >= 0)
        set_text(out, key, words[word]);
}

static void read_catchup(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const char *const words[] = {"none", "latest", "all", NULL};
    read_choice(r, idx, path, out, "catchup", words);
}

static void read_overlap(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const char *const words[] = {"allow", "skip", "queue", "cancel_running", NULL};
    read_choice(r, idx, path, out, "overlap", words);
}

static void read_dst(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const char *const words[] = {"skip", "shift", "both", NULL};
    read_choice(r, idx, path, out, "dst", words);
}

static void read_catchup_limit(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    uint32_t n;
    if (ork_lua_read_count(r, idx, path, 1, &n))
        json_object_set_new(out, "catchup_limit", json_integer(n));
}

/* One value of schedule.params, held against the declared param. */
static void read_param(struct ork_lua_reader *r, int idx, const char *name, const char *path, json_t *params)
{
    const json_t *schema = ork_lua_def_params(r->def), *param = json_object_get(schema, name);
    char hint[300], root[300];
    ork_err err;
    if (!param) {
        const char *near = schema ? ork_lua_suggest_key(schema, name) : NULL;
        snprintf(hint, sizeof hint, "did you mean `%s`?", near ? near : "");
        ork_lua_bad(r, path, near ? hint : NULL, "is no param of the workflow");
        return;
    }
    json_t *expr = ork_lua_read_date_or_constant(r, idx, path);
    if (!expr)
        return;
    json_t *value = json_object_get(expr, "const"), *type = json_object_get(param, "type");
    if (value && type) {
        json_incref(value);
        snprintf(root, sizeof root, "schedule.params.%.200s", name);
        if (ork_type_convert(type, &value, root, &err) < 0)
            ork_lua_bad_at(r, path, NULL, "%s", err.msg);
        else
            json_object_set(expr, "const", value);
        json_decref(value);
    }
    json_object_set_new(params, name, expr);
}

static void read_params(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    lua_State *L = r->L;
    char way[300];
    if (lua_type(L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants values by name, got %s", ork_lua_shown(L, idx));
        return;
    }
    json_t *params = json_object();
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING)
            read_param(r, lua_gettop(L), lua_tostring(L, -2), ork_lua_path(way, path, lua_tostring(L, -2)), params);
        else
            ork_lua_bad(r, path, NULL, "wants values by name, but has the key %s", ork_lua_shown(L, -2));
    }
    json_object_set_new(out, "params", params);
}

void ork_lua_read_schedule(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const struct ork_lua_option rows[] = {
        {.name = "catchup", .read = read_catchup},   {.name = "catchup_limit", .read = read_catchup_limit},
        {.name = "cron", .read = read_cron},         {.name = "dst", .read = read_dst},
        {.name = "every", .read = read_every},       {.name = "jitter", .read = read_jitter},
        {.name = "overlap", .read = read_overlap},   {.name = "params", .read = read_params},
        {.name = "timezone", .read = read_timezone},
    };
    lua_State *L = r->L;
    (void)out;
    if (lua_type(L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, lua_type(L, idx) == LUA_TSTRING ? "write { cron = \"…\" } or { every = \"…\" }" : NULL,
                    "wants { cron = \"0 2 * * *\", … }, got %s", ork_lua_shown(L, idx));
        return;
    }
    json_t *schedule = json_object();
    uint64_t seen = ork_lua_options(r, idx, path, rows, sizeof rows / sizeof *rows, schedule, 0);
    bool cron = seen & 1u << 2, every = seen & 1u << 4;
    if (cron == every)
        ork_lua_bad(r, path, NULL,
                    cron ? "has both cron and every; it is one or the other"
                         : "says no time: give it cron = \"0 2 * * *\" or every = \"10m\"");
    else if (every && seen & 1u << 3)
        ork_lua_bad(r, path, NULL, "has both every and dst: an interval counts elapsed time, whatever clocks do");
    json_object_set_new(r->def->options, "schedule", schedule);
}
