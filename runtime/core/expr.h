/* SPDX-License-Identifier: MIT */
/* Values that are known only in the run: references, texts, lists, objects (forms: docs/internals/json.md,
 * "expressions"). Pure: the caller's resolver supplies outputs and params. A plain string, number, boolean or null
 * stands for itself. */
#ifndef ORK_CORE_EXPR_H
#define ORK_CORE_EXPR_H
#include "base/json.h"
#include "core/moment.h"

struct ork_scope {
    void *data;
    /* Borrowed value of a root: "params", "this", "input", or task `name` with what = "output" "status" "error"
     * "results", or "secret" with the secret's name as task; NULL: has no value. */
    const json_t *(*root)(void *data, const char *what, const char *task);
    /* Is that a list with an element per item of the task? Then fields are taken from each element, null where it has
     * none. NULL: never. */
    bool (*is_list)(void *data, const char *what, const char *task);
    struct ork_moment logical;
};
/* A new reference in *out (it may share parts with what root returned: read only); JSON null when a reference has no
 * value and optional is true, else ORK_ENOVALUE naming the reference. No value: the root has none, a field is missing,
 * or null stands there. Inside a text nothing is optional. ORK_EDEF: no expression; ORK_ETOOBIG: a text above 16 MiB.
 * Secrets: only in env. */
int ork_expr_eval(const json_t *expr, const struct ork_scope *s, bool optional, json_t **out,
                  ork_err *err) ORK_MUSTCHECK;
/* A value as it appears in a text or argument: strings as they are, numbers shortest (12.0 as 12), true/false, objects
 * and lists their JSON. ORK_ENOVALUE for null. */
int ork_expr_text(const json_t *value, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
/* The comparison of `when`: op one of == ~= < <= > >= in truthy. As in Lua: only null and false are not truthy, 1
 * == 1.0. Different types are never equal; ordering them is ORK_ETYPE, only numbers and strings (by bytes) have an
 * order; `in` wants a list at the right. A declared null is a value here; a reference without any is null when
 * optional, else ORK_ENOVALUE. */
int ork_expr_when(const json_t *when, const struct ork_scope *s, bool optional, bool *result,
                  ork_err *err) ORK_MUSTCHECK;
/* Calls cb for every task name whose output, status … is referenced; the same one as often as it occurs. Also takes a
 * command and a `when`, but not a table of names (env, task_bindings): there go member by member, a name may be "ref".
 */
void ork_expr_each_task(const json_t *expr, void (*cb)(void *data, const char *task, const char *what), void *data);
/* The same for all expressions of a task's params: command, env, cwd, task_bindings, task_binding, wait, when, each. */
void ork_expr_params_each_task(const json_t *params, void (*cb)(void *data, const char *task, const char *what),
                               void *data);
/* Adds the text of one value of an env, in which secrets may be. */
int ork_expr_env_text(const json_t *expr, const struct ork_scope *s, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
/* The names of the secrets in a task's env, as often as they occur. */
void ork_expr_env_secrets(const json_t *params, void (*cb)(void *data, const char *name), void *data);
/* What a task is done once for: the list that its params' `each` gives, {"over":EXPR} or {"over":{"product":{NAME:
 * EXPR, …}}}, the objects with one value of each, the last name changing first. ORK_ETYPE: it is no list; ORK_ETOOBIG:
 * more than `most`; both name what it is over. */
int ork_expr_items(const json_t *each, const struct ork_scope *s, size_t most, json_t **items,
                   ork_err *err) ORK_MUSTCHECK;
size_t ork_expr_max_failed(const json_t *each,
                           size_t count); /* its max_failed: a number, or "5%" of count, rounded down */
/* "tasks.extract.output.parts" for messages. ref: the reference or what stands under its key "ref". */
void ork_expr_ref_name(const json_t *ref, struct ork_buf *out);

/* A process command made ready to run. */
struct ork_argv {
    char **argv;
    size_t argc; /* owned, NULL-terminated */
    char **env;
    size_t envc; /* owned "K=V" to set, or "K" to unset; NULL-terminated */
    char *cwd;   /* owned; NULL: the script's directory */
};
/* From task params JSON (command, env, cwd) and a scope with "input" set. On failure *out holds nothing. In a command
 * that is a list, a list gives one argument per element; in the args of {"shell"} each is one positional parameter, a
 * list its JSON. ORK_ENOVALUE: a reference has no value; ORK_ETOOBIG: more than Linux lets a program be started with.
 */
int ork_expr_command(const json_t *params, const struct ork_scope *s, struct ork_argv *out, ork_err *err) ORK_MUSTCHECK;
void ork_argv_fini(struct ork_argv *a);
#endif
