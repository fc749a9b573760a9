/* SPDX-License-Identifier: MIT */
/* Two stores and a copier between them, for `ork db copy`. No engine: nobody runs anything here. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "store/copier.h"
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct ork_copy {
    uv_loop_t *loop; /* borrowed */
    struct ork_log log;
    ork_store *from, *to; /* owned; NULL: not open */
    struct ork_copier copier;
    bool begun;         /* the copier is initialized */
    uv_prepare_t awake; /* keeps the loop alive: one without work would not even look for signals and beats */
};

static void on_prepare(uv_prepare_t *h)
{
    (void)h;
}

static int open_stores(struct ork_copy *c, const struct ork_copy_opts *o, ork_err *err)
{
    struct ork_store_opts so = {.loop = c->loop, .clock = &ork_clock_system, .log = &c->log, .flags = ORK_OPEN_AS_IS};
    int rc = ork_store_open(o->from, &so, &c->from, err);
    if (rc)
        return rc;
    so.flags = ORK_OPEN_CREATE;
    return ork_store_open(o->to, &so, &c->to, err);
}

int ork_copy_open(const struct ork_copy_opts *o, ork_copy **out, ork_err *err)
{
    struct ork_copy *c = ork_zalloc(sizeof *c);
    struct utsname uts;
    c->loop = o->loop;
    c->log = (struct ork_log){.name = "ork", .level = o->log_level};
    (void)uv_prepare_init(c->loop, &c->awake);
    (void)uv_prepare_start(&c->awake, on_prepare);
    int rc = open_stores(c, o, err);
    if (!rc)
        rc = ork_copier_init(&c->copier, c->from, c->to, uname(&uts) == 0 ? uts.nodename : "localhost", err);
    c->begun = !rc;
    *out = c;
    if (rc) {
        ork_copy_close(c);
        *out = NULL;
    }
    return rc;
}

int ork_copy_step(ork_copy *c, ork_err *err)
{
    int rc = ork_copier_step(&c->copier, err);
    (void)uv_run(c->loop, UV_RUN_NOWAIT);
    return rc;
}

void ork_copy_state(const ork_copy *c, struct ork_copy_state *out)
{
    const struct ork_copier *k = &c->copier;
    int64_t all = 0, before = 0;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < ork_store_tables_len; i++) {
        all += k->total[i];
        before += i < k->table ? k->total[i] : 0;
    }
    bool names = k->phase != ORK_COPIER_DONE && k->table < ork_store_tables_len && !ork_store_tables[k->table].leave;
    out->phase = k->phase == ORK_COPIER_COPIES   ? ORK_COPYING
                 : k->phase == ORK_COPIER_CHECKS ? ORK_CHECKING
                                                 : ORK_COPIED;
    out->table = names ? ork_store_tables[k->table].name : NULL;
    out->total = names ? k->total[k->table] : 0;
    out->rows = k->rows;
    out->overall = 3 * all;
    if (k->phase == ORK_COPIER_COPIES)
        out->done = k->again ? all : before + k->rows;
    else if (k->phase == ORK_COPIER_CHECKS)
        out->done = all + 2 * before + (k->other ? out->total : 0) + k->rows;
    else
        out->done = out->overall;
}

int ork_copy_json(const ork_copy *c, char **out, ork_err *err)
{
    const struct ork_copier *k = &c->copier;
    struct ork_buf b = ORK_BUF_INIT;
    int64_t rows = 0;
    if (k->phase != ORK_COPIER_DONE)
        return ork_err_set(err, ORK_ESTATE, "the copy is not whole yet");
    ork_buf_adds(&b, "{\"from\":");
    ork_buf_json(&b, k->source.data, k->source.len);
    ork_buf_adds(&b, ",\"to\":");
    ork_buf_json(&b, k->place.data, k->place.len);
    ork_buf_addf(&b, ",\"resumed\":%s,\"tables\":[", k->resumed ? "true" : "false");
    for (size_t i = 0; i < ork_store_tables_len; i++) {
        const struct ork_copy_sum *sum = &k->sum[i][0];
        if (ork_store_tables[i].leave)
            continue;
        ork_buf_addf(&b, "%s{\"name\":\"%s\",\"rows\":%lld,\"checksum\":\"%016llx%016llx\"}", i ? "," : "",
                     ork_store_tables[i].name, (long long)sum->rows, (unsigned long long)sum->high,
                     (unsigned long long)sum->low);
        rows += sum->rows;
    }
    ork_buf_addf(&b, "],\"rows\":%lld,\"unfinished_runs\":%lld,\"logs\":", (long long)rows, (long long)k->unfinished);
    const char *path = ork_store_path(c->from);
    ORK_CLEANUP(ork_free_cleanup) char *dir = path ? ork_path_dirname(path) : NULL;
    ORK_CLEANUP(ork_free_cleanup) char *logs = dir ? ork_path_join(dir, "logs") : NULL;
    if (logs && access(logs, F_OK) == 0)
        ork_buf_json(&b, logs, strlen(logs));
    else
        ork_buf_adds(&b, "null");
    ork_buf_addc(&b, '}');
    *out = ork_buf_steal(&b, NULL);
    return 0;
}

char *ork_url_plain(const char *url)
{
    return ork_store_url_plain(url);
}

static void on_closed(void *data)
{
    --*(int *)data;
}

static void on_asleep(uv_handle_t *h)
{
    on_closed(h->data);
}

void ork_copy_close(ork_copy *c)
{
    int open = (c->from != NULL) + (c->to != NULL) + 1;
    c->awake.data = &open;
    uv_close((uv_handle_t *)&c->awake, on_asleep);
    if (c->to)
        ork_store_close(c->to, on_closed, &open);
    if (c->from)
        ork_store_close(c->from, on_closed, &open);
    while (open)
        (void)uv_run(c->loop, UV_RUN_ONCE);
    if (c->begun)
        ork_copier_fini(&c->copier);
    ork_free(c);
}
