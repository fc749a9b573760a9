/* SPDX-License-Identifier: MIT */
/* Agents of other versions of the protocol that are still alive in the same folder. They are drained (take no new
 * tasks, end when done) and, through the frames that never change, asked for the attempts they hold, so that an
 * upgraded ork adopts what the version before it started. A claim is answered when all of them and the own agent have
 * answered. */
#include "exec/process/client.h"
#include "base/alloc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct ork_elder *elder_of(struct ork_agent *a, const struct ork_link *l)
{
    for (int i = 0; i < ORK_ELDERS; i++) {
        if (a->elders[i].link == l)
            return &a->elders[i];
    }
    return NULL;
}

static struct ork_elder_key *find_key(struct ork_elder *e, const struct ork_wire_key *k)
{
    for (size_t i = 0; i < e->keys_len; i++) {
        if (e->keys[i].key.attempt == k->attempt && ork_id_eq(&e->keys[i].key.task, &k->task))
            return &e->keys[i];
    }
    return NULL;
}

static void drop(struct ork_elder *e)
{
    ork_link_close(e->link);
    ork_free(e->keys);
    *e = (struct ork_elder){0};
}

/* It finished, or died: then what it held is lost, and its main processes died with it. */
static void on_lost(struct ork_link *l)
{
    struct ork_agent *a = l->data;
    struct ork_elder *e = elder_of(a, l);
    struct ork_elder_key *keys = e->keys;
    size_t n = e->keys_len;
    int number = l->number;

    e->keys = NULL;
    drop(e);
    for (size_t i = 0; i < n && !a->closing; i++) {
        const struct ork_wire_key *k = &keys[i].key;
        struct ork_exit x = {.key = {k->task, k->attempt}, .reason = ORK_EXIT_LOST, .exit_code = -1};

        x.error = "the agent of an earlier version ended";
        if (keys[i].open && a->o.events.on_exited)
            a->o.events.on_exited(a->o.events.data, &x);
    }
    ork_free(keys);
    for (size_t i = 0; i < a->claims_len && !a->closing; i++) {
        if (a->claims[i].awaited & 1u << number) {
            ork_client_claimed(a, &a->claims[i].run, number);
            i = (size_t)-1; /* the event may have changed the list */
        }
    }
}

static void on_frame(struct ork_link *l, uint32_t type, struct ork_rd *r)
{
    ork_client_frame(l->data, l, type, r);
}

static void claim(struct ork_elder *e, struct ork_client_claim *c)
{
    struct ork_wr *w = &e->link->out;

    ork_wr_begin(w, ORK_F_CLAIM);
    ork_wr_id(w, &c->run);
    ork_wr_end(w);
    c->awaited |= 1u << e->link->number;
}

static void greet(struct ork_agent *a, int version)
{
    struct ork_elder *e = elder_of(a, NULL);
    struct ork_link *l;
    char name[16];

    snprintf(name, sizeof name, ORK_PROTO_SOCKET "%d", version);
    if (!e || ork_link_open(a->o.loop, a->dir_fd, name, &l) < 0)
        return; /* a socket left behind */
    a->handles++;
    l->data = a;
    l->number = (int)(e - a->elders) + 1;
    l->on_frame = on_frame;
    l->on_lost = on_lost;
    l->on_gone = ork_client_handle_gone;
    e->link = l;
    e->version = version;
    ork_client_hello(a, &l->out);
    ork_wr_begin(&l->out, ORK_F_DRAIN);
    ork_wr_end(&l->out);
    for (size_t i = 0; i < a->claims_len; i++)
        claim(e, &a->claims[i]);
    ork_link_flush(l);
}

void ork_elders_find(struct ork_agent *a)
{
    int fd = openat(a->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;

    while (dir && (de = readdir(dir))) {
        bool known = false;
        int version, end = 0;

        if (sscanf(de->d_name, ORK_PROTO_SOCKET "%4d%n", &version, &end) != 1 || de->d_name[end] ||
            version == ORK_PROTO)
            continue;
        for (int i = 0; i < ORK_ELDERS; i++)
            known |= a->elders[i].link && a->elders[i].version == version;
        if (!known)
            greet(a, version);
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}

void ork_elders_claim(struct ork_agent *a, struct ork_client_claim *c)
{
    for (int i = 0; i < ORK_ELDERS; i++) {
        if (a->elders[i].link)
            claim(&a->elders[i], c);
    }
}

bool ork_elders_hold(struct ork_agent *a, const struct ork_wire_key *k, bool forget, struct ork_wr **out)
{
    for (int i = 0; i < ORK_ELDERS; i++) {
        struct ork_elder *e = &a->elders[i];
        struct ork_elder_key *had = e->link ? find_key(e, k) : NULL;

        if (!had)
            continue;
        if (forget)
            *had = e->keys[--e->keys_len];
        *out = &e->link->out;
        return true;
    }
    return false;
}

void ork_elders_note(struct ork_agent *a, struct ork_link *l, const struct ork_wire_key *k, bool open)
{
    struct ork_elder *e = l == a->link ? NULL : elder_of(a, l);
    struct ork_elder_key *had = e ? find_key(e, k) : NULL;

    if (!e)
        return;
    if (!had) {
        ork_grow((void **)&e->keys, &e->keys_cap, e->keys_len + 1, sizeof *e->keys);
        had = &e->keys[e->keys_len++];
        had->key = *k;
    }
    had->open = open;
}

void ork_elders_flush(struct ork_agent *a)
{
    for (int i = 0; i < ORK_ELDERS; i++) {
        if (a->elders[i].link)
            ork_link_flush(a->elders[i].link);
    }
}

void ork_elders_close(struct ork_agent *a)
{
    for (int i = 0; i < ORK_ELDERS; i++) {
        if (a->elders[i].link)
            drop(&a->elders[i]);
    }
}
