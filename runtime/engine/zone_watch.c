/* SPDX-License-Identifier: MIT */
/* A package of time zones is replaced file by file, each by a rename into place: one event each, and the files say by
 * themselves whether they changed. All folders of zones are watched, some twenty, whatever zones are in use: a schedule
 * that another program applied may not have been met yet, and its next time is in the database all the same.
 *
 *   a zone in use changed      ──► all schedules are checked, at once
 *   another zone changed       ──► all schedules are checked, once its folder has been quiet for a second */
#include "engine/zone_watch.h"
#include "base/path.h"
#include "engine/zones.h"
#include "engine/zones_tree.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 2 /* America/Argentina */
#define QUIET_MS 1000

struct ork_zone_watch {
    uv_fs_event_t event;
    uv_timer_t quiet;
    ork_engine *engine;
    char *dir;  /* owned */
    char *zone; /* owned: the beginning of its zones' names, "America/"; "" in the root */
    struct ork_zone_watch *next;
};

static void on_quiet(uv_timer_t *t)
{
    struct ork_zone_watch *w = t->data;

    ork_schedules_check(w->engine);
}

static void on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
    struct ork_zone_watch *w = h->data;
    char zone[300];

    (void)events;
    (void)status;
    if (w->engine->closing || !w->engine->zones)
        return;
    (void)snprintf(zone, sizeof zone, "%s%s", w->zone, name ? name : "");
    if (ork_zones_refresh(w->engine->zones)) {
        ork_log_info(&w->engine->log, "time zones changed dir=%s", ORK_LOG_VALUE(w->dir));
        ork_schedules_check(w->engine);
    } else if (name && ork_zones_is_part(name) && !ork_zones_knows(w->engine->zones, zone)) {
        (void)uv_timer_start(&w->quiet, on_quiet, QUIET_MS, 0);
    }
}

static bool is_watched(const ork_engine *e, const char *dir)
{
    const struct ork_zone_watch *w = e->serve.watches;

    while (w && strcmp(w->dir, dir) != 0)
        w = w->next;
    return w != NULL;
}

static void watch_dir(ork_engine *e, const char *dir, const char *zone)
{
    if (is_watched(e, dir))
        return;
    struct ork_zone_watch *w = ork_zalloc(sizeof(*w));
    w->engine = e;
    w->dir = ork_strdup(dir);
    w->zone = ork_strdup(zone);
    w->event.data = w->quiet.data = w;
    w->next = e->serve.watches;
    e->serve.watches = w;
    uv_fs_event_init(e->loop, &w->event);
    uv_timer_init(e->loop, &w->quiet);
    uv_unref((uv_handle_t *)&w->event);
    uv_unref((uv_handle_t *)&w->quiet);
    e->handles += 2;
    if (uv_fs_event_start(&w->event, on_event, dir, 0) != 0)
        ork_log_warn(&e->log, "changes of time zones are not noticed dir=%s", ORK_LOG_VALUE(dir));
}

static void watch_tree(ork_engine *e, const char *dir, const char *zone, int depth)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    if (!d)
        return;
    watch_dir(e, dir, zone);
    while (depth < DEEPEST && (entry = readdir(d))) {
        char below[300];
        if ((entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) || !ork_zones_is_part(entry->d_name) ||
            snprintf(below, sizeof below, "%s%s/", zone, entry->d_name) >= (int)sizeof below)
            continue;
        char *path = ork_path_join(dir, entry->d_name);
        watch_tree(e, path, below, depth + 1);
        ork_free(path);
    }
    closedir(d);
}

static const char *root_dir(void)
{
    const char *root = getenv("ORK_ZONEINFO");

    return root && *root ? root : "/usr/share/zoneinfo";
}

void ork_zone_watch_all(ork_engine *e)
{
    watch_tree(e, root_dir(), "", 0);
}

void ork_zone_watch_add(ork_engine *e, const char *zone)
{
    if (strcmp(zone, "UTC") == 0 || !e->serve.on)
        return;
    const char *slash = strrchr(zone, '/');
    char *path = ork_path_join(root_dir(), zone), *dir = ork_path_dirname(path),
         *begin = ork_strndup(zone, slash ? (size_t)(slash - zone) + 1 : 0);
    watch_dir(e, dir, begin);
    ork_free(begin);
    ork_free(dir);
    ork_free(path);
}

static void on_closed(uv_handle_t *h)
{
    struct ork_zone_watch *w = h->data;

    w->engine->handles--;
}

void ork_zone_watch_close(ork_engine *e)
{
    for (struct ork_zone_watch *w = e->serve.watches; w; w = w->next) {
        uv_close((uv_handle_t *)&w->event, on_closed);
        uv_close((uv_handle_t *)&w->quiet, on_closed);
    }
}

void ork_zone_watch_fini(ork_engine *e)
{
    struct ork_zone_watch *next;

    for (struct ork_zone_watch *w = e->serve.watches; w; w = next) {
        next = w->next;
        ork_free(w->dir);
        ork_free(w->zone);
        ork_free(w);
    }
    e->serve.watches = NULL;
}
