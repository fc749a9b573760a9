/* SPDX-License-Identifier: MIT */
/* core.definition: what those who run a sealed workflow want to know of it: its tasks, options, plan, and a complete
 * set of params made of what a user gave. */
#include "engine.h"
#include <string.h>

static int core_task_names(lua_State *L) /* core.task_names(workflow) -> names in the order of definition */
{
    ork_workflow *w = ork_lua_check_workflow(L, 1);
    uint32_t n = ork_workflow_task_count(w);

    lua_createtable(L, (int)n, 0);
    for (uint32_t i = 0; i < n; i++) {
        lua_pushstring(L, ork_workflow_task_name(w, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

struct problems {
    struct ork_lua_buf text; /* one a line */
};

static void on_problem(void *data, const char *code, uint32_t task, const char *text)
{
    struct problems *p = data;

    (void)code, (void)task;
    if (p->text.len)
        ork_lua_buf_addc(&p->text, '\n');
    ork_lua_buf_adds(&p->text, text);
}

/* core.params(workflow, given | nil, typed | nil, logical_ms) -> complete params as JSON text | nil, all mistakes (one
 * a line), code. given: values by name; typed: texts by name as typed on a command line. */
static int core_params(lua_State *L)
{
    ork_workflow *w = ork_lua_check_workflow(L, 1);
    const char *given = ork_lua_arg_json(L, 2, "params");
    const char *typed = ork_lua_arg_json(L, 3, "params");
    struct problems problems = {0};
    char *out = NULL;
    ork_err err;
    int status =
        ork_workflow_params(w, given, typed, (int64_t)luaL_checkinteger(L, 4), on_problem, &problems, &out, &err);

    if (status < 0) {
        int pushed = ork_lua_fail(L, &err);
        if (problems.text.len) {
            lua_pushlstring(L, problems.text.data, problems.text.len);
            lua_replace(L, -3);
        }
        ork_lua_buf_fini(&problems.text);
        return pushed;
    }
    ork_lua_buf_fini(&problems.text);
    lua_pushstring(L, out);
    ork_free(out);
    return 1;
}

void ork_lua_add_definition(lua_State *L)
{
    lua_pushcfunction(L, core_params);
    lua_setfield(L, -2, "params");
    lua_pushcfunction(L, core_task_names);
    lua_setfield(L, -2, "task_names");
}
