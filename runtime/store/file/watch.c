/* SPDX-License-Identifier: MIT */
/* Whoever writes is alone and needs no bell. A store that only reads is told when the log grows or is replaced by a new
 * one; it watches the folder, because a watch of the file would stay with the one that was replaced. */
#include "store/file/file.h"
#include <string.h>

static void on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
    struct ork_sqlite *s = h->data;
    (void)events;
    if (status < 0 || (name && strcmp(name, "log") != 0))
        return;
    if (s->bell.on_news)
        s->bell.on_news(s->bell.news_data);
    if (s->bell.cb)
        s->bell.cb(s->bell.data);
}

static void start_or_stop(struct ork_file *f)
{
    struct ork_sqlite *s = &f->db;
    bool wanted = s->flags & ORK_OPEN_READ && (s->bell.cb || s->bell.on_news);
    if (wanted && !s->bell.inited) {
        (void)uv_fs_event_init(s->loop, &s->bell.event);
        s->bell.event.data = s;
        s->bell.inited = true;
    }
    if (wanted && !s->bell.on) {
        int rc = uv_fs_event_start(&s->bell.event, on_event, f->dir, 0);
        s->bell.on = rc == 0;
        if (rc)
            ork_log_warn(&s->log, "changes by the other process are not noticed error=%s",
                         ORK_LOG_VALUE(uv_strerror(rc)));
    } else if (!wanted && s->bell.on) {
        (void)uv_fs_event_stop(&s->bell.event);
        s->bell.on = false;
    }
}

void ork_file_on_bell(ork_store *store, ork_bell_cb cb, void *data)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    s->bell.cb = cb;
    s->bell.data = data;
    start_or_stop(ork_file_of(s));
}

void ork_file_on_news(ork_store *store, ork_bell_cb cb, void *data)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    s->bell.on_news = cb;
    s->bell.news_data = data;
    start_or_stop(ork_file_of(s));
}
