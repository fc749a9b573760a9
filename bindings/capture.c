/* SPDX-License-Identifier: MIT */
/* References that a function of a task has among its variables: they have no value when it is called, and `==` with a
 * text, `if`, `and` and `or` ask nobody, so they are refused where the task is defined; those of functions that it
 * calls by a local name are a warning. Workflows and tasks may be there: to read a field of theirs raises in a call.
 *
 * Which of those fields it reads is a warning, and so is what it changes of its variables: each worker has variables of
 * its own, which the calls it makes share. One that was nil is taken for a cache, which is fine. */
#include "options.h"
#include "ref.h"
#include <stdio.h>
#include <string.h>

#define MOST_DEEP 3
#define MOST_LOOKED_AT 256

struct search {
    const struct ork_lua_reader *r;
    unsigned left;
    char name[100]; /* of the variable */
    int sets;       /* stack index of the function that tells what one changes and reads; 0 nobody asks */
    char changed[100], reads[200], field[100];
    const char *source;         /* borrowed: of the function of the task */
    bool inside;                /* it is called in the program itself */
    char helper[100], its[300]; /* a function it calls that uses a reference */
};

static void ask(struct search *s, int function, int i, const char *name, bool handle)
{
    lua_State *L = s->r->L;

    lua_pushvalue(L, s->sets);
    lua_pushvalue(L, function);
    lua_pushinteger(L, i);
    lua_pushboolean(L, handle);
    lua_call(L, 3, 1);
    if (handle && lua_type(L, -1) == LUA_TSTRING) {
        const char *path = lua_tostring(L, -1), *dot = strrchr(path, '.');
        (void)snprintf(s->reads, sizeof s->reads, "%.90s.%.90s", name, path);
        (void)snprintf(s->field, sizeof s->field, "%.90s", dot ? dot + 1 : "NAME");
    } else if (!handle && lua_toboolean(L, -1))
        (void)snprintf(s->changed, sizeof s->changed, "%s", name);
    lua_pop(L, 1);
}

/* The variable's value is on top of the stack. */
static void look_at_use(struct search *s, int function, int i, const char *name)
{
    lua_State *L = s->r->L;
    int type = lua_type(L, -1);
    bool handle = ork_lua_is(L, -1, s->r->ctx->workflow_mt) || ork_lua_is(L, -1, s->r->ctx->task_mt);

    if (!s->sets)
        return;
    if (handle && !s->reads[0])
        ask(s, function, i, name, true);
    if ((type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TBOOLEAN) && !s->changed[0])
        ask(s, function, i, name, false);
}

static bool is_inline(const struct ork_lua_reader *r)
{
    bool so = false;

    if (r->options) {
        lua_pushliteral(r->L, "executor");
        lua_rawget(r->L, r->options);
        so = lua_type(r->L, -1) == LUA_TSTRING;
        lua_pop(r->L, 1);
    }
    return so;
}

/* Is it called in a worker, by a script that is loaded? Pushes who tells what a function changes then. */
static int push_sets(struct ork_lua_reader *r)
{
    lua_State *L = r->L;

    if (!r->def->scripted || is_inline(r))
        return 0;
    ork_lua_ctx_push(L);
    if (lua_getiuservalue(L, -1, ORK_LUA_SETS) != LUA_TFUNCTION)
        return 0;
    return lua_gettop(L);
}

static const char *source_of(lua_State *L, int function)
{
    lua_Debug ar;

    lua_pushvalue(L, function);
    lua_getinfo(L, ">S", &ar);
    return ar.source;
}

/* Functions that drive runs, and those of a program, may define other workflows by what belongs to none. */
static bool is_refused(const struct search *s, const struct ork_lua_ref *ref)
{
    return ref && (ref->def || (s->r->def->scripted && !s->inside));
}

/* The reference, left on the stack, or NULL and the stack as it was. A helper, which the script may call as well while
 * it is loaded, is no reason to refuse; of a library's variables nobody here knows. */
static const struct ork_lua_ref *find(struct search *s, int function, unsigned deep, const char *helper)
{
    lua_State *L = s->r->L;
    const char *name;
    const bool own = strcmp(source_of(L, function), s->source) == 0;

    for (int i = 1; s->left > 0 && (name = lua_getupvalue(L, function, i)); i++, s->left--) {
        const struct ork_lua_ref *ref = ork_lua_is(L, -1, s->r->ctx->ref_mt);
        if (is_refused(s, ref) && deep == 0) {
            (void)snprintf(s->name, sizeof s->name, "%s", name);
            return ref;
        }
        if (is_refused(s, ref) && !s->helper[0]) {
            (void)snprintf(s->helper, sizeof s->helper, "%s", helper);
            (void)snprintf(s->its, sizeof s->its, "%s", ork_lua_ref_shown(L, ref));
        }
        if (own)
            look_at_use(s, function, i, name);
        if (deep < MOST_DEEP && lua_isfunction(L, -1) && !lua_iscfunction(L, -1) && lua_checkstack(L, 8)) {
            ref = find(s, lua_gettop(L), deep + 1, deep ? helper : name);
            if (ref)
                return ref;
        }
        lua_pop(L, 1);
    }
    return NULL;
}

void ork_lua_check_captures(struct ork_lua_reader *r, int idx, const char *path)
{
    struct search s = {.r = r, .left = MOST_LOOKED_AT};
    int top = lua_gettop(r->L);
    char cure[300], shown[300];
    bool told = strncmp(path, "on_", 3) == 0 || strstr(path, "\non") != NULL; /* it has no inputs */
    idx = lua_absindex(r->L, idx);
    s.sets = push_sets(r);
    s.inside = is_inline(r);
    s.source = source_of(r->L, idx);
    const struct ork_lua_ref *ref = find(&s, idx, 0, "");

    if (s.reads[0]) {
        (void)snprintf(cure, sizeof cure, "name it in `inputs`, and read `input.%s`", s.field);
        ork_lua_warn(r, path, told ? "read what its argument has of it" : cure,
                     "reads the reference %s, which has no value in a function", s.reads);
    }
    if (s.changed[0])
        ork_lua_warn(r, path, "return what is to be kept; a cache is fine",
                     "changes `%s`, a variable of the script: which calls see that is undefined", s.changed);
    if (s.helper[0] && !ref && s.sets)
        ork_lua_warn(r, path, "hand it the value, which is among `inputs`",
                     "calls `%s`, which uses the reference %s: it has no value in a function", s.helper, s.its);
    if (ref) {
        (void)snprintf(shown, sizeof shown, "%s", ork_lua_ref_shown(r->L, ref));
        if (told)
            (void)snprintf(cure, sizeof cure, "read what its argument has of it");
        else if (strcmp(path, "executor") == 0)
            (void)snprintf(cure, sizeof cure, "name it in `inputs`; `start` has it in `task.input`");
        else
            ork_lua_ref_cure(ref, cure, sizeof cure);
        ork_lua_bad(r, path, cure, "uses the variable `%s`, which is the reference %s: it has no value in a function",
                    s.name, shown);
    }
    lua_settop(r->L, top);
}
