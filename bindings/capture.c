/* SPDX-License-Identifier: MIT */
/* References that a function of a task has among its variables: they have no value when it is called, and `==` with a
 * text, `if`, `and` and `or` ask nobody, so they are refused where the task is defined. Looked for in the function and
 * in those it calls by a local name. Workflows and tasks may be there: to read a field of theirs raises in a call. */
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
};

/* The reference, left on the stack, or NULL and the stack as it was. */
static const struct ork_lua_ref *find(struct search *s, int function, unsigned deep)
{
    lua_State *L = s->r->L;
    const char *name;

    for (int i = 1; s->left > 0 && (name = lua_getupvalue(L, function, i)); i++, s->left--) {
        const struct ork_lua_ref *ref = ork_lua_is(L, -1, s->r->ctx->ref_mt);
        if (ref && (ref->def || s->r->def->scripted)) { /* a program's function may define other workflows */
            (void)snprintf(s->name, sizeof s->name, "%s", name);
            return ref;
        }
        if (deep < MOST_DEEP && lua_isfunction(L, -1) && !lua_iscfunction(L, -1) && lua_checkstack(L, 8)) {
            ref = find(s, lua_gettop(L), deep + 1);
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
    const struct ork_lua_ref *ref = find(&s, lua_absindex(r->L, idx), 0);

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
