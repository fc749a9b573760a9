/* SPDX-License-Identifier: MIT */
/* What a worker and its scheduler say to each other, over a socketpair: the frames of exec/agent/proto.h with types of
 * their own. Both ends are of one build (the scheduler starts its own program, and looks at the version it is told), so
 * there is no other version to be kept. */
#ifndef ORK_EXEC_WORKER_WIRE_H
#define ORK_EXEC_WORKER_WIRE_H
#include "exec/agent/proto.h"

#define ORK_WORKER_FRAME_MAX (72u << 20) /* a snapshot's sources, an output */
#define ORK_WORKER_OUTPUT_MAX (16u << 20)
#define ORK_WORKER_ERROR_MAX 8192 /* of a message, as it is sent */

/* Descriptors that the worker finds open. */
enum { ORK_WORKER_SOCKET = 3, ORK_WORKER_PAGE = 4 };

enum ork_worker_frame {
    /* scheduler to worker */
    ORK_W_LOAD = 1, /* str definition (its hash), str workflow, str folder ("": when a call of it comes; else at once,
                       in that folder), bytes sources */
    ORK_W_CALL, /* u32 slot, u32 generation, u32 task, u32 item, u32 attempt, i64 scheduled_for, str run, str task, str
                   definition, str option ("run"; with "library" the definition is its path), i64 memory, i64 CPU ms (0:
                   none of its own), str folder, str log, bytes input */
    ORK_W_SECRET, /* u32 slot, u32 generation, u32 question, u8 found, bytes value or why not */
    /* worker to scheduler */
    ORK_W_HELLO = 64, /* str version */
    ORK_W_DONE,   /* u32 slot, u32 generation, i64 took_us, i64 log bytes, u32 memory KiB, u8 has output, bytes output,
                      u32 artifacts, for each: str name, str hash, i64 bytes */
    ORK_W_FAILED, /* …, u32 memory KiB, u8 kind, u8 final, i64 after_ms, u8 has code, str code, str error, bytes data
                      (JSON) */
    ORK_W_WAITS,  /* u32 slot, u32 generation: it sleeps, others may compute */
    ORK_W_PROGRESS,  /* u32 slot, u32 generation, f64 done, f64 total */
    ORK_W_ASK_SECRET /* u32 slot, u32 generation, u32 question, str name */
};

static inline void ork_wr_bytes(struct ork_wr *w, const char *p, size_t n)
{
    ork_wr_u32(w, (uint32_t)n);
    ork_wr_put(w, p, n);
    ork_wr_put(w, "", 1);
}

/* Borrowed, NUL-terminated, maybe with NULs inside. */
static inline const char *ork_rd_bytes(struct ork_rd *r, size_t *n)
{
    const char *s = (const char *)r->p + sizeof(uint32_t);

    *n = ork_rd_u32(r);
    if (r->bad || (size_t)(r->end - r->p) <= *n || s[*n]) {
        r->bad = true;
        *n = 0;
        return "";
    }
    r->p += *n + 1;
    return s;
}

static inline void ork_wr_f64(struct ork_wr *w, double v)
{
    ork_wr_put(w, &v, sizeof v);
}

static inline double ork_rd_f64(struct ork_rd *r)
{
    double v;

    ork_rd_get(r, &v, sizeof v);
    return v;
}
#endif
