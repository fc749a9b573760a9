/* SPDX-License-Identifier: MIT */
#include "core/lib_json.h"
#include "base/alloc.h"
#include "core/expr.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

json_t *tree(const char *text)
{
    json_error_t e;
    char *json = ork_strdup(text);

    for (char *c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *v = json_loads(json, JSON_DECODE_ANY, &e);
    if (!v)
        fail_msg("the test's own JSON is wrong: %s: %s", text, e.text);
    ork_free(json);
    return v;
}

const char *text_of(const json_t *v)
{
    static char *last[4];
    static int turn;
    ork_err err;

    turn = (turn + 1) % 4;
    ork_free(last[turn]);
    last[turn] = NULL;
    if (!v)
        return "(none)";
    if (ork_json_text(v, &last[turn], NULL, &err) < 0)
        fail_msg("%s", err.msg);
    return last[turn];
}

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static const json_t *root(void *data, const char *what, const char *task)
{
    const json_t *all = data;

    return task ? json_object_get(json_object_get(all, what), task) : json_object_get(all, what);
}

struct ork_scope scope_of(json_t *all)
{
    return (struct ork_scope){
        .data = all, .root = root, .logical = {.ms = 1793498523456}}; /* 2026-11-01T02:02:03.456Z */
}
