/* SPDX-License-Identifier: MIT */
/* core.definition: what those who run a sealed workflow want to know of it: its tasks, options, plan, and a complete
 * set of params made of what a user gave. */
#include "engine.h"
#include <string.h>

static int definition_name(lua_State *L) /* name(workflow) */
{
    lua_pushstring(L, ork_workflow_name(ork_lua_check_workflow(L, 1)));
    return 1;
}

static int definition_tasks(lua_State *L) /* tasks(workflow) -> names in the order of definition */
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

static int push_json(lua_State *L, const char *text)
{
    ork_err err;

    if (ork_lua_json_push_text(L, text, strlen(text), &err) < 0)
        return ork_lua_fail(L, &err);
    return 1;
}

static int definition_options(lua_State *L) /* options(workflow) -> table, as in a snapshot */
{
    const char *text = ork_workflow_options_json(ork_lua_check_workflow(L, 1));

    return push_json(L, text ? text : "{}");
}

static int definition_plan(lua_State *L) /* plan(workflow[, raw]) -> { levels, critical_path, … } or its JSON text */
{
    ork_workflow *w = ork_lua_check_workflow(L, 1);
    char *text = NULL;
    size_t len = 0;
    ork_err err;
    int pushed = 1;

    if (ork_workflow_plan_json(w, &text, &len, &err) < 0)
        return ork_lua_fail(L, &err);
    if (lua_toboolean(L, 2))
        lua_pushlstring(L, text, len);
    else
        pushed = push_json(L, text);
    ork_free(text);
    return pushed;
}

static int
definition_task_array(lua_State *L) /* task_array(workflow) -> the tasks of the snapshot, as a list of tables */
{
    ork_workflow *w = ork_lua_check_workflow(L, 1);
    char *text = NULL;
    size_t len = 0;
    ork_err err;
    int pushed;

    if (ork_workflow_tasks_json(w, &text, &len, &err) < 0)
        return ork_lua_fail(L, &err);
    pushed = push_json(L, text);
    ork_free(text);
    return pushed;
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

/* params(workflow, given | nil, typed | nil, logical_ms) -> complete params as JSON text | nil, all mistakes (one a
 * line), code. given: values by name; typed: texts by name as typed on a command line. */
static int definition_params(lua_State *L)
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

int ork_lua_definition_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"name", definition_name},
                                         {"options", definition_options},
                                         {"params", definition_params},
                                         {"plan", definition_plan},
                                         {"task_array", definition_task_array},
                                         {"tasks", definition_tasks},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
