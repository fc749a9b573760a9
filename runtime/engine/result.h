/* SPDX-License-Identifier: MIT */
/* What an attempt of a process left behind: its output, the end of its log, its artifacts. */
#ifndef ORK_ENGINE_RESULT_H
#define ORK_ENGINE_RESULT_H
#include "engine/engine.h"

struct ork_result {
    struct ork_active *a; /* counted */
    struct ork_exit exit; /* error is owned */
    uint32_t task;
    char *log_path, *output_path;
    char *artifacts_dir; /* owned: something is in the attempt's folder; NULL nothing */
    bool shared;         /* what it started may still write there */
    struct ork_artifacts artifacts;
    struct ork_remote *remote; /* owned until it begins: jobs that it left; NULL none */
    struct ork_mask mask;      /* owned: what is not to be kept of what it left */
    bool masked;               /* … and it was in its output */
    bool blind;                /* what that is could not be found out: nothing is read */
    int64_t output_size;       /* -1: the task made no output file */
    bool tells;                /* a failed one says in its output file why: Python's */
    json_t *told, *output;     /* owned; told: what that is */
    char *output_text;
    size_t output_len; /* NULL none */
    char *tail;
    size_t tail_len; /* valid UTF-8 without NUL; NULL when nothing was printed */
    int code;
    ork_err err; /* of the output: malformed, too large */
    void (*done)(struct ork_result *r);
    uv_work_t work;
};
/* done frees it by ork_result_free. blind: why nothing of it can be kept; NULL: it can. */
void ork_result_read(struct ork_active *a, const struct ork_live *l, const struct ork_exit *x, const ork_err *blind,
                     void (*done)(struct ork_result *r));
void ork_result_free(struct ork_result *r);
#endif
