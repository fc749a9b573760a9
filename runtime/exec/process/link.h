/* SPDX-License-Identifier: MIT */
/* One connection, to an agent or a worker: frames in, frames out, on the loop. Made connected or not at all; lost once;
 * its memory goes in uv's close callback. */
#ifndef ORK_EXEC_PROCESS_LINK_H
#define ORK_EXEC_PROCESS_LINK_H
#include "exec/agent/proto.h"
#include <uv.h>

struct ork_link {
    uv_poll_t poll;
    int fd;
    uint32_t max; /* bytes of a frame; a larger one breaks the link */
    bool closed;  /* no callback comes any more */
    bool broken;  /* a send failed: lost at the next turn of the loop */
    bool want_out;
    struct ork_wr out;
    size_t out_off;
    uint8_t *in; /* owned */
    size_t in_len, in_cap;
    void *data;                                                            /* the owner's */
    int number;                                                            /* the owner's */
    void (*on_frame)(struct ork_link *l, uint32_t type, struct ork_rd *r); /* may close the link */
    void (*on_lost)(struct ork_link *l);                                   /* then close it */
    void (*on_gone)(void *data);                                           /* after close: the memory is free */
};

/* 0, or a negative errno: -ENOENT and -ECONNREFUSED mean nobody is there. `dir_fd` is the agent's folder. */
int ork_link_open(uv_loop_t *loop, int dir_fd, const char *name, struct ork_link **out);
int ork_link_on(uv_loop_t *loop, int fd, struct ork_link **out); /* takes a connected socket, also on failure */
bool ork_link_read(struct ork_link *l);                          /* what is there now; false: nothing more */
void ork_link_flush(struct ork_link *l); /* never blocks; what is left goes when the socket is writable */
void ork_link_close(struct ork_link *l); /* tries to send what is queued */
#endif
