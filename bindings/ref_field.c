/* SPDX-License-Identifier: MIT */
/* Fields of references and tasks. A reference knows the type that was declared for it, so a field that is not there
 * raises on its own line, with the nearest one. */
#include "def.h"
#include "options.h"
#include "ref.h"
#include <jansson.h>
#include <string.h>

static const char *const this_words[] = {"run_id",        "task",     "task_index", "attempt", "logical_time",
                                         "scheduled_for", "workflow", "item",       NULL};
static const char *const task_words[] = {"name", "output", "status", "error", "results", NULL};

bool ork_lua_type_field(const json_t *type, const char *name, const json_t **field)
{
    *field = NULL;
    if (json_is_array(type) && json_array_size(type) == 2 && json_is_string(json_array_get(type, 0)) &&
        strcmp(json_string_value(json_array_get(type, 0)), "?") == 0)
        type = json_array_get(type, 1);
    if (!type || (json_is_object(type) && json_object_size(type) == 0) || /* open */
        (json_is_string(type) && strncmp(json_string_value(type), "any", 3) == 0))
        return true;
    *field = json_is_object(type) ? json_object_get(type, name) : NULL;
    return *field != NULL;
}

bool ork_lua_type_is_optional(const json_t *type)
{
    const char *word = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);

    return word && word[strlen(word) - 1] == '?';
}

#define MOST_WORDS 256

const char *ork_lua_suggest_key(const json_t *object, const char *word)
{
    const char *words[MOST_WORDS + 1];
    size_t n = 0;
    json_t *o = (json_t *)(uintptr_t)object;
    for (void *it = json_object_iter(o); it && n < MOST_WORDS; it = json_object_iter_next(o, it))
        words[n++] = json_object_iter_key(it);
    words[n] = NULL;
    return ork_suggest(word, words);
}

/* "rows, parts" for messages. */
static void list_keys(const json_t *object, struct ork_lua_buf *out)
{
    json_t *o = (json_t *)(uintptr_t)object;
    size_t n = 0;
    for (void *it = json_object_iter(o); it && n < 12; it = json_object_iter_next(o, it), n++)
        ork_lua_buf_addf(out, "%s%s", n ? ", " : "", json_object_iter_key(it));
    if (json_object_size(o) > n)
        ork_lua_buf_adds(out, ", …");
}

static int no_such_field(lua_State *L, const struct ork_lua_ref *r, const char *key)
{
    const json_t *type = r->type;
    struct ork_lua_buf *b = &ork_lua_ctx_get(L)->text;
    const char *name = ork_lua_ref_shown(L, r);
    if (json_is_array(type) && json_array_size(type) == 2)
        type = json_array_get(type, 1);
    if (json_is_array(type))
        return ork_lua_raise(L, "%s is a list; it has no field `%s`, and its elements are known only in the run", name,
                             key);
    if (!json_is_object(type))
        return ork_lua_raise(L, "%s is declared as %s; it has no field `%s`", name, json_string_value(type), key);
    const char *near = ork_lua_suggest_key(type, key);
    if (near)
        return ork_lua_raise(L, "%s has no field `%s`; did you mean `%s`?", name, key, near);
    ork_lua_buf_clear(b);
    list_keys(type, b);
    return ork_lua_raise(L, "%s has no field `%s`; it is declared with %s", name, key, b->len ? b->data : "no fields");
}

static int push_param(lua_State *L, const struct ork_lua_ref *r, const char *key, size_t n)
{
    const json_t *params = ork_lua_def_params(r->def);
    const json_t *param = json_object_get(params, key);
    const char *workflow = ork_workflow_name(r->def->w);
    if (!param) {
        const char *near = params ? ork_lua_suggest_key(params, key) : NULL;
        if (near)
            return ork_lua_raise(L, "workflow `%s` has no param `%s`; did you mean `%s`?", workflow, key, near);
        return ork_lua_raise(L, "workflow `%s` has no param `%s`; declare it: params = { %s = \"str\" }", workflow, key,
                             key);
    }
    struct ork_lua_ref like = {
        .def = r->def, .type = json_object_get(param, "type"), .kind = ORK_LUA_REF_PARAM, .has = r->has};
    char parts[512];
    if (n > sizeof parts - 8)
        return ork_lua_raise(L, "the name of the param is too long");
    memcpy(parts, "params", 7);
    memcpy(parts + 7, key, n);
    lua_getiuservalue(L, 1, 1);
    ork_lua_ref_new(L, &like, NULL, parts, 7 + n, -1);
    return 1;
}

static int push_this(lua_State *L, const struct ork_lua_ref *r, const char *key)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    char parts[40] = "this";
    size_t i = 0;
    while (this_words[i] && strcmp(this_words[i], key) != 0)
        i++;
    if (!this_words[i]) {
        const char *near = ork_suggest(key, this_words);
        if (near)
            return ork_lua_raise(L, "ork.this has no field `%s`; did you mean `%s`?", key, near);
        return ork_lua_raise(L,
                             "ork.this has no field `%s`; it has run_id, task, task_index, attempt, logical_time, "
                             "scheduled_for, workflow, item",
                             key);
    }
    bool number = strcmp(key, "attempt") == 0 || strcmp(key, "task_index") == 0 || strcmp(key, "item") == 0;
    bool maybe = strcmp(key, "scheduled_for") == 0; /* only what a schedule started has one */
    struct ork_lua_ref like = {.type = number  ? ctx->int_type
                                       : maybe ? ctx->maybe_str_type
                                               : ctx->str_type,
                               .kind = ORK_LUA_REF_THIS,
                               .has = r->has};
    size_t n = strlen(key);
    memcpy(parts + 5, key, n);
    ork_lua_ref_new(L, &like, NULL, parts, 5 + n, 0);
    return 1;
}

static int push_field(lua_State *L, const struct ork_lua_ref *r, const char *key, size_t n)
{
    struct ork_lua_ref like = *r;
    if (!ork_lua_type_field(r->type, key, &like.type))
        return no_such_field(L, r, key);
    like.whole = r->whole && !ork_lua_type_is_optional(r->type);
    like.kind = r->kind == ORK_LUA_REF_INPUTS ? ORK_LUA_REF_INPUT : r->kind;
    luaL_Buffer b; /* Lua's buffer: the parts may be longer than the stack wants */
    luaL_buffinit(L, &b);
    luaL_addlstring(&b, ork_lua_ref_text(r), r->len);
    luaL_addchar(&b, '\0');
    luaL_addlstring(&b, key, n);
    luaL_pushresult(&b);
    size_t len;
    const char *parts = lua_tolstring(L, -1, &len);
    int owner = 0;
    if (r->def) {
        lua_getiuservalue(L, 1, 1);
        owner = lua_gettop(L);
    }
    ork_lua_ref_new(L, &like, r->deps, parts, len, owner);
    return 1;
}

int ork_lua_ref_index(lua_State *L)
{
    const struct ork_lua_ref *r = luaL_checkudata(L, 1, ORK_LUA_REF);
    size_t n;
    if (r->kind != ORK_LUA_REF_PARAMS && r->kind != ORK_LUA_REF_THESE && r->kind != ORK_LUA_REF_INPUTS)
        ork_lua_ref_in_call(L, r);
    if (lua_type(L, 2) == LUA_TNUMBER)
        return ork_lua_raise(L,
                             "%s[%s]: the value exists only in the run; give the whole list to a task (`inputs`, "
                             "`command`) and take the element there",
                             ork_lua_ref_shown(L, r), lua_tostring(L, 2));
    if (lua_type(L, 2) != LUA_TSTRING)
        return ork_lua_raise(L, "%s: %s is no name of a field", ork_lua_ref_shown(L, r), ork_lua_shown(L, 2));
    const char *key = lua_tolstring(L, 2, &n);
    if (n == 0 || strlen(key) != n || n > 200)
        return ork_lua_raise(L, "%s: not a name of a field", ork_lua_ref_shown(L, r));
    switch (r->kind) {
    case ORK_LUA_REF_PARAMS:
        return push_param(L, r, key, n);
    case ORK_LUA_REF_THESE:
        return push_this(L, r, key);
    case ORK_LUA_REF_PARAM:
    case ORK_LUA_REF_TASK:
    case ORK_LUA_REF_INPUTS:
    case ORK_LUA_REF_INPUT:
        return push_field(L, r, key, n);
    default:
        return ork_lua_raise(L, "%s is text; it has no field `%s`", ork_lua_ref_shown(L, r), key);
    }
}

/* ---- tasks ---- */

int ork_lua_task_field(lua_State *L, struct ork_lua_def *def, uint32_t no, const char *key)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const bool items = ork_lua_def_is_mapped(def, no);
    lua_getiuservalue(L, 1, 1); /* the workflow */
    if (strcmp(key, "name") == 0)
        lua_pushstring(L, ork_workflow_task_name(def->w, no));
    else if (strcmp(key, "output") == 0)
        ork_lua_ref_task(L, def, no, key, ork_lua_def_output(def, no), items, -1);
    else if (strcmp(key, "status") == 0)
        ork_lua_ref_task(L, def, no, key, ctx->str_type, false, -1);
    else if (strcmp(key, "error") == 0)
        ork_lua_ref_task(L, def, no, key, ctx->maybe_str_type, false, -1);
    else if (strcmp(key, "results") == 0)
        ork_lua_ref_task(L, def, no, key, items ? ork_lua_def_results(def, no) : NULL, items, -1);
    else {
        const char *name = ork_workflow_task_name(def->w, no), *near = ork_suggest(key, task_words);
        const json_t *field, *output = ork_lua_def_output(def, no);
        if (near)
            return ork_lua_raise(L, "task `%s` has no field `%s`; did you mean `%s`?", name, key, near);
        if (strcmp(key, "set_upstream") == 0 || strcmp(key, "set_downstream") == 0)
            return ork_lua_raise(L, "task `%s` has no `%s`; the task that comes later says depends_on = …", name, key);
        if (output && ork_lua_type_field(output, key, &field))
            return ork_lua_raise(L, "task `%s` has no field `%s`; it is a field of its output: .output.%s", name, key,
                                 key);
        return ork_lua_raise(L, "task `%s` has no field `%s`; a task has name, output, status, error, results", name,
                             key);
    }
    return 1;
}
