/* SPDX-License-Identifier: MIT */
/* Waiting for another owner's death: a thread per watched owner asks for a shared lock on its file and sleeps in the
 * kernel until the owner is gone. No polling, no timer. Closing cancels the threads; the wait is their only
 * cancellation point. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct ork_watch {
    struct ork_watch *next;
    struct ork_sqlite *store; /* borrowed */
    ork_id id;
    ork_owner_cb cb;
    void *data;
    int fd; /* -1: it was dead already, there is no thread */
    pthread_t thread;
    atomic_bool over;
};

/* A cancelled thread leaves its frame without a word to the address sanitizer, which then takes the stack's next use
 * for an error. */
__attribute__((no_sanitize("address"))) static void *wait_for_death(void *data)
{
    struct ork_watch *w = data;
    int rc;
    do {
        struct flock l;
        memset(&l, 0, sizeof l);
        l.l_type = F_RDLCK;
        l.l_whence = SEEK_SET;
        rc = fcntl(w->fd, F_OFD_SETLKW, &l);
    } while (rc != 0 && errno == EINTR);
    int old;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    atomic_store(&w->over, true);
    (void)uv_async_send(&w->store->async);
    return NULL;
}

static int start_thread(struct ork_watch *w, ork_err *err)
{
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, 256u << 10);
    int rc = pthread_create(&w->thread, &attr, wait_for_death, w);
    (void)pthread_attr_destroy(&attr);
    return rc ? ork_err_errno(err, rc, "no thread can be made to wait for another scheduler") : 0;
}

int ork_watch_add(ork_store *store, const ork_id *scheduler, ork_owner_cb cb, void *data, ork_err *err)
{
    struct ork_sqlite *s = ork_sqlite_of(store);
    struct ork_watch *w = ork_zalloc(sizeof *w);
    w->store = s;
    w->id = *scheduler;
    w->cb = cb;
    w->data = data;
    errno = ENOENT;
    w->fd = s->path ? ork_owner_open(s->path, scheduler) : s->keeper ? s->keeper->owner_open(s, scheduler) : -1;
    int rc = 0;
    if (w->fd < 0 && errno != ENOENT)
        rc = ork_err_errno(err, errno, "the lock of another scheduler");
    else if (w->fd >= 0)
        rc = start_thread(w, err);
    if (rc) {
        if (w->fd >= 0)
            (void)close(w->fd);
        ork_free(w);
        return rc;
    }
    w->next = s->watches;
    s->watches = w;
    ork_writer_hold(s);
    if (w->fd < 0) {
        atomic_store(&w->over, true);
        (void)uv_async_send(&s->async);
    }
    return 0;
}

static void drop(struct ork_watch *w)
{
    if (w->fd >= 0) {
        (void)pthread_join(w->thread, NULL);
        (void)close(w->fd);
    }
    ork_free(w);
}

/* A callback may add watches or close the store, so the list is looked at anew after each. */
void ork_watch_deliver(struct ork_sqlite *s)
{
    struct ork_watch **at = &s->watches;
    while (s->phase == ORK_STORE_OPEN && *at) {
        struct ork_watch *w = *at;
        if (!atomic_load(&w->over)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        ork_owner_cb cb = w->cb;
        void *data = w->data;
        ork_id id = w->id;
        drop(w);
        ork_writer_let(s);
        cb(data, &id);
        at = &s->watches;
    }
}

void ork_watch_stop(struct ork_sqlite *s)
{
    for (struct ork_watch *w = s->watches, *next; w; w = next) {
        next = w->next;
        if (w->fd >= 0)
            (void)pthread_cancel(w->thread);
        drop(w);
    }
    s->watches = NULL;
}
