/* SPDX-License-Identifier: MIT */
/* The options of a task, one reader each. */
#ifndef ORK_BINDINGS_TASK_H
#define ORK_BINDINGS_TASK_H
#include "options.h"

/* Readers of rows; out is a struct ork_lua_task. */
void ork_lua_read_command(struct ork_lua_reader *r, int idx, const char *path, void *out);   /* command.c */
void ork_lua_read_resources(struct ork_lua_reader *r, int idx, const char *path, void *out); /* resources.c */
void ork_lua_read_retries(struct ork_lua_reader *r, int idx, const char *path, void *out);   /* retries.c */
void ork_lua_read_env(struct ork_lua_reader *r, int idx, const char *path, void *out);       /* env.c */
void ork_lua_read_inputs(struct ork_lua_reader *r, int idx, const char *path, void *out);
void ork_lua_read_wait(struct ork_lua_reader *r, int idx, const char *path, void *out); /* wait.c */
void ork_lua_judge_wait(struct ork_lua_reader *r, struct ork_lua_task *t);              /* once everything was read */
void ork_lua_read_executor(struct ork_lua_reader *r, int idx, const char *path, void *out); /* executor.c */
void ork_lua_judge_executor(struct ork_lua_reader *r, struct ork_lua_task *t);
/* Is the option given, and not switched off? (wait.c) */
bool ork_lua_says(const struct ork_lua_reader *r, const char *key);
void ork_lua_wait_alone(struct ork_lua_reader *r,
                        struct ork_lua_task *t); /* what `defaults` say of slots is not for it */
void ork_lua_read_when(struct ork_lua_reader *r, int idx, const char *path, void *out); /* when.c */
/* Types of what goes in against input_type, once everything was read. (fit.c) */
void ork_lua_check_inputs(struct ork_lua_reader *r, struct ork_lua_task *t);

struct ork_lua_name {
    const char *name; /* borrowed from the table */
    size_t len;
};
/* The names of the table at idx, sorted, as a userdata on the stack; NULL and a mistake when it has other keys.
 * [-0, +1 when not NULL, m] (env.c) */
struct ork_lua_name *ork_lua_sorted_names(struct ork_lua_reader *r, int idx, const char *path, const char *what,
                                          size_t *n);

/* A text for the shell: its script, and what the positional parameters are. NULL, or what is wrong. (shell.c) */
const char *ork_lua_shell_build(const struct json_t *parts, struct ork_lua_buf *script, struct json_t *args);

/* A task of no options. */
void ork_lua_task_init(struct ork_lua_task *t);
void ork_lua_task_fini(struct ork_lua_task *t);
/* Reads the table at idx into t. ORK_LUA_DEFAULTS in flags: the `defaults` of a workflow. */
void ork_lua_task_options(struct ork_lua_reader *r, int idx, const char *path, struct ork_lua_task *t, unsigned flags);
#endif
