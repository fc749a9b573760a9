/* SPDX-License-Identifier: MIT */
/* The command, environment and directory of a process, from task params.
 *
 *   ["prog", E, …]                    run directly; a list among the values gives one argument per element
 *   "script"                          /bin/sh -c script sh
 *   {"shell": "script", "args": [E]}  /bin/sh -c script sh ARG…: $1, $2 … in the script
 *
 * Law: no value is ever text of a shell script; it is a positional parameter, so nothing in it can be run. Each E of
 * args is exactly one parameter, or the numbers in the script would not fit. What Linux would refuse at exec is refused
 * here, where the place can be named. */
#include "core/expr_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

#define ARG_MAX_BYTES 131071u /* MAX_ARG_STRLEN of Linux, without the NUL */
#define TOTAL_MAX_BYTES                                                                                                \
    (6u << 20) /* Linux never takes more for arguments and environment together, whatever ulimit -s says */

struct words {
    char **items; /* owned */
    size_t n, cap;
};
struct build {
    const struct ork_scope *scope;
    struct words argv, env;
    size_t total; /* bytes with NULs and pointers */
};

static void words_add(struct words *w, char *take)
{
    void *items = w->items;

    ork_grow(&items, &w->cap, w->n + 2, sizeof *w->items);
    w->items = items;
    w->items[w->n++] = take;
    w->items[w->n] = NULL;
}

static void words_free(char **items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ork_free(items[i]);
    ork_free(items);
}

/* Text of one argument or variable is bounded and has no NUL. */
static int check_word(struct build *b, const char *text, size_t len, ork_err *err)
{
    if (memchr(text, 0, len))
        return ork_err_set(err, ORK_EINVAL, "it holds a NUL character, which no argument or variable can");
    if (len > ARG_MAX_BYTES)
        return ork_err_set(err, ORK_ETOOBIG,
                           "it has %zu bytes, and Linux takes at most 131071 in one argument or variable; pass it "
                           "through inputs and read $ORK_INPUT_FILE",
                           len);
    b->total += len + 1 + sizeof(char *);
    if (b->total > TOTAL_MAX_BYTES)
        return ork_err_set(err, ORK_ETOOBIG,
                           "arguments and environment together are over 6 MiB, more than Linux takes; pass them "
                           "through inputs and read $ORK_INPUT_FILE");
    return 0;
}

static int add_text(struct build *b, const json_t *value, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    int rc = ork_expr_text(value, &text, err);

    if (rc == 0)
        rc = check_word(b, text.data ? text.data : "", text.len, err);
    if (rc == 0)
        words_add(&b->argv, ork_buf_steal(&text, NULL));
    return rc;
}

static int add_plain(struct build *b, const char *s, ork_err *err)
{
    int rc = check_word(b, s, strlen(s), err);

    if (rc == 0)
        words_add(&b->argv, ork_strdup(s));
    return rc;
}

static int add_argument(struct build *b, const json_t *expr, bool spread, ork_err *err)
{
    json_t *value = NULL;
    int rc = ork_expr_eval_flags(expr, b->scope, 0, &value, err);

    if (rc == 0 && spread && json_is_array(value)) {
        for (size_t i = 0; rc == 0 && i < json_array_size(value); i++)
            rc = add_text(b, json_array_get(value, i), err);
    } else if (rc == 0) {
        rc = add_text(b, value, err);
    }
    json_decref(value);
    return rc;
}

static int add_list(struct build *b, const json_t *list, bool spread, const char *what, ork_err *err)
{
    size_t i;
    const json_t *part;

    json_array_foreach((json_t *)list, i, part)
    {
        int rc = add_argument(b, part, spread, err);
        if (rc < 0) {
            ork_err_wrap(err, "%s %zu", what, i + 1);
            return rc;
        }
    }
    return 0;
}

static int add_shell(struct build *b, const json_t *script, ork_err *err)
{
    static const char *const head[] = {"/bin/sh", "-c"};
    int rc = 0;

    if (!json_is_string(script) || json_string_length(script) == 0)
        return ork_err_set(err, ORK_EDEF, "the command is empty");
    for (size_t i = 0; rc == 0 && i < 2; i++)
        rc = add_plain(b, head[i], err);
    if (rc == 0)
        rc = add_text(b, script, err);
    if (rc == 0)
        rc = add_plain(b, "sh", err);
    if (rc < 0)
        ork_err_wrap(err, "the command");
    return rc;
}

static int build_command(struct build *b, const json_t *command, ork_err *err)
{
    if (json_is_array(command)) {
        int rc = add_list(b, command, true, "command, word", err);
        if (rc < 0)
            return rc;
        if (b->argv.n == 0 || !*b->argv.items[0])
            return ork_err_set(err, json_array_size(command) ? ORK_ENOVALUE : ORK_EDEF,
                               "the command is empty: it names no program");
        return 0;
    }
    if (json_is_string(command))
        return add_shell(b, command, err);
    const json_t *script = json_object_get(command, "shell"), *args = json_object_get(command, "args");
    if (!script || (args && !json_is_array(args)) || json_object_size(command) != (args ? 2 : 1))
        return ork_err_set(err, ORK_EDEF, "command: a list, a text or {\"shell\": text, \"args\": list} is wanted");
    int rc = add_shell(b, script, err);
    return rc < 0 ? rc : add_list(b, args, false, "command, value", err);
}

int ork_expr_env_text(const json_t *expr, const struct ork_scope *s, struct ork_buf *out, ork_err *err)
{
    json_t *value = NULL;
    int rc = ork_expr_eval_flags(expr, s, ORK_EXPR_SECRET_OK, &value, err);

    if (rc == 0)
        rc = ork_expr_text(value, out, err);
    json_decref(value);
    return rc;
}

static int add_variable(struct build *b, const char *name, const json_t *expr, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    int rc = 0;

    if (!*name || strchr(name, '='))
        return ork_err_set(err, ORK_EDEF, "the name of a variable is not empty and has no `=`");
    ork_buf_adds(&text, name);
    if (!json_is_false(expr)) {
        ork_buf_addc(&text, '=');
        rc = ork_expr_env_text(expr, b->scope, &text, err);
    }
    if (rc == 0)
        rc = check_word(b, text.data, text.len, err);
    if (rc == 0)
        words_add(&b->env, ork_buf_steal(&text, NULL));
    return rc;
}

static int build_env(struct build *b, const json_t *env, ork_err *err)
{
    const char *name;
    const json_t *expr;

    if (!env)
        return 0;
    if (!json_is_object(env))
        return ork_err_set(err, ORK_EDEF, "env: a table of names and values is wanted, not %s",
                           ork_json_type_name(env));
    json_object_foreach((json_t *)env, name, expr)
    {
        int rc = add_variable(b, name, expr, err);
        if (rc < 0) {
            ork_err_wrap(err, "env.%.100s", name);
            return rc;
        }
    }
    return 0;
}

static int build_cwd(struct build *b, const json_t *expr, char **out, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    json_t *value = NULL;

    if (!expr)
        return 0;
    int rc = ork_expr_eval_flags(expr, b->scope, 0, &value, err);
    if (rc == 0)
        rc = ork_expr_text(value, &text, err);
    json_decref(value);
    if (rc == 0 && text.len == 0)
        rc = ork_err_set(err, ORK_ENOVALUE, "it is empty");
    if (rc == 0)
        rc = check_word(b, text.data, text.len, err);
    if (rc == 0)
        *out = ork_buf_steal(&text, NULL);
    else
        ork_err_wrap(err, "cwd");
    return rc;
}

/* What may be missing in a good run stops a command; where it does not is said. */
static void name_the_cure(ork_err *err)
{
    static const char *const natural[] = {" gave no error", " gave no output", "has no value: it is null"};
    ork_err told = *err;

    for (size_t i = 0; i < sizeof natural / sizeof *natural; i++) {
        size_t len = strlen(told.msg), n = strlen(natural[i]);
        if (len >= n && strcmp(told.msg + len - n, natural[i]) == 0)
            (void)ork_err_set(err, told.code,
                              "%s; where it may be missing ask with `when`, or give it to `inputs`: there it is null",
                              told.msg);
    }
}

int ork_expr_command(const json_t *params, const struct ork_scope *s, struct ork_argv *out, ork_err *err)
{
    struct build b = {.scope = s};
    char *cwd = NULL;
    int rc;

    *out = (struct ork_argv){0};
    if (!json_object_get(params, "command"))
        return ork_err_set(err, ORK_EDEF, "the task has no command");
    rc = build_command(&b, json_object_get(params, "command"), err);
    if (rc == 0)
        rc = build_env(&b, json_object_get(params, "env"), err);
    if (rc == 0)
        rc = build_cwd(&b, json_object_get(params, "cwd"), &cwd, err);
    *out = (struct ork_argv){b.argv.items, b.argv.n, b.env.items, b.env.n, cwd};
    if (rc < 0)
        ork_argv_fini(out);
    if (rc == ORK_ENOVALUE && err)
        name_the_cure(err);
    return rc;
}

void ork_argv_fini(struct ork_argv *a)
{
    words_free(a->argv, a->argc);
    words_free(a->env, a->envc);
    ork_free(a->cwd);
    *a = (struct ork_argv){0};
}
