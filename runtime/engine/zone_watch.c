/* SPDX-License-Identifier: MIT */
/* A package of time zones is replaced file by file, each by a rename into place: one event each, and the files say by
 * themselves whether they changed. */
#include "engine/zone_watch.h"
#include "base/path.h"
#include "engine/zones.h"
#include <stdlib.h>
#include <string.h>

struct ork_zone_watch {
    uv_fs_event_t event;
    ork_engine *engine;
    char *dir; /* owned */
    struct ork_zone_watch *next;
};

static void on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
    struct ork_zone_watch *w = h->data;

    (void)name;
    (void)events;
    (void)status;
    if (!w->engine->closing && w->engine->zones && ork_zones_refresh(w->engine->zones)) {
        ork_log_info(&w->engine->log, "time zones changed dir=%s", ORK_LOG_VALUE(w->dir));
        ork_schedules_check(w->engine);
    }
}

void ork_zone_watch_add(ork_engine *e, const char *zone)
{
    const char *root = getenv("ORK_ZONEINFO");
    char *path, *dir;

    if (strcmp(zone, "UTC") == 0 || !e->serve.on)
        return;
    path = ork_path_join(root && *root ? root : "/usr/share/zoneinfo", zone);
    dir = ork_path_dirname(path);
    ork_free(path);
    for (struct ork_zone_watch *w = e->serve.watches; w; w = w->next) {
        if (strcmp(w->dir, dir) == 0) {
            ork_free(dir);
            return;
        }
    }
    struct ork_zone_watch *w = ork_zalloc(sizeof(*w));
    w->engine = e;
    w->dir = dir;
    w->event.data = w;
    w->next = e->serve.watches;
    e->serve.watches = w;
    uv_fs_event_init(e->loop, &w->event);
    uv_unref((uv_handle_t *)&w->event);
    e->handles++;
    if (uv_fs_event_start(&w->event, on_event, dir, 0) != 0)
        ork_log_warn(&e->log, "changes of time zones are not noticed dir=%s", ORK_LOG_VALUE(dir));
}

static void on_closed(uv_handle_t *h)
{
    struct ork_zone_watch *w = h->data;

    w->engine->handles--;
}

void ork_zone_watch_close(ork_engine *e)
{
    for (struct ork_zone_watch *w = e->serve.watches; w; w = w->next)
        uv_close((uv_handle_t *)&w->event, on_closed);
}

void ork_zone_watch_fini(ork_engine *e)
{
    struct ork_zone_watch *next;

    for (struct ork_zone_watch *w = e->serve.watches; w; w = next) {
        next = w->next;
        ork_free(w->dir);
        ork_free(w);
    }
    e->serve.watches = NULL;
}
