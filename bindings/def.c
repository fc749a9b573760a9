/* SPDX-License-Identifier: MIT */
/* What a definition remembers beside the core's workflow. */
#include "options.h"
#include "ref.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct ork_lua_def *ork_lua_def_check(lua_State *L, int idx, const char *method)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    struct ork_lua_def *d = ork_lua_is(L, idx, ctx->workflow_mt);
    if (!d && (lua_isnoneornil(L, idx) || lua_type(L, idx) == LUA_TSTRING || lua_type(L, idx) == LUA_TTABLE))
        ork_lua_raise(L, "`%s` belongs to a workflow: call it with a colon, workflow:%s(…)", method, method);
    if (!d)
        ork_lua_raise(L, "`%s` wants a workflow, got %s", method, ork_lua_shown(L, idx));
    return d;
}

const char *ork_lua_ref_workflow(const struct ork_lua_def *def)
{
    return ork_workflow_name(def->w);
}

const json_t *ork_lua_def_params(const struct ork_lua_def *d)
{
    return json_object_get(d->options, "params");
}

void ork_lua_def_add_output(struct ork_lua_def *d, uint32_t task, json_t *type_take)
{
    if (d->outputs_len == d->outputs_cap) {
        size_t cap = d->outputs_cap ? d->outputs_cap * 2 : 8;
        struct ork_lua_output *items = realloc(d->outputs, cap * sizeof *items);
        if (!items)
            abort();
        d->outputs = items;
        d->outputs_cap = cap;
    }
    /* Equal neighbours share one tree: a loop of tasks declares one type over and over. */
    if (d->outputs_len > 0 && json_equal(d->outputs[d->outputs_len - 1].type, type_take)) {
        json_decref(type_take);
        type_take = json_incref(d->outputs[d->outputs_len - 1].type);
    }
    d->outputs[d->outputs_len++] = (struct ork_lua_output){task, type_take};
}

const json_t *ork_lua_def_output(const struct ork_lua_def *d, uint32_t task)
{
    size_t low = 0, high = d->outputs_len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (d->outputs[mid].task == task)
            return d->outputs[mid].type;
        if (d->outputs[mid].task < task)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const json_t *ork_lua_def_results(struct ork_lua_def *d, uint32_t task)
{
    json_t *output = (json_t *)(uintptr_t)ork_lua_def_output(d, task);
    json_t *maybe = output ? json_pack("[s,O]", "?", output) : json_string("any");

    if (!d->types)
        d->types = json_array();
    json_array_append_new(
        d->types, json_pack("{s:s, s:s, s:o, s:s}", "item", "any", "status", "str", "output", maybe, "error", "str?"));
    return json_array_get(d->types, json_array_size(d->types) - 1);
}

uint32_t ork_lua_def_file(struct ork_lua_def *d, const char *file)
{
    if (!d->file || strcmp(d->file, file) != 0) {
        free(d->file);
        d->file = strdup(file);
        d->file_no = ork_workflow_file(d->w, file);
    }
    return d->file_no;
}

void ork_lua_def_use_pool(struct ork_lua_def *d, const char *pool, uint32_t slots, uint32_t task)
{
    if (!d->pools)
        d->pools = json_object();
    json_t *use = json_object_get(d->pools, pool);
    if (!use)
        json_object_set_new(d->pools, pool, json_pack("{s:i s:i}", "slots", (int)slots, "task", (int)task));
    else if (json_integer_value(json_object_get(use, "slots")) < (json_int_t)slots)
        json_object_set_new(use, "slots", json_integer(slots));
}

void ork_lua_def_fini(struct ork_lua_def *d)
{
    ork_workflow_unref(d->w);
    json_decref(d->options);
    json_decref(d->types);
    json_decref(d->pools);
    json_decref(d->returns);
    free(d->subs);
    for (size_t i = 0; i < d->outputs_len; i++)
        json_decref(d->outputs[i].type);
    free(d->outputs);
    free(d->conditional.items);
    free(d->mapped.items);
    free(d->sparing.items);
    for (size_t i = 0; i < d->problems_len; i++) {
        struct ork_lua_problem *p = &d->problems[i];
        free(p->file);
        free(p->text);
        free(p->hint);
        free(p->call);
        free(p->name);
        free(p->path);
        free(p->value);
    }
    free(d->problems);
    ork_lua_buf_fini(&d->default_cwd);
    ork_lua_buf_fini(&d->default_env);
    for (size_t i = 0; i < d->defaults.spec.retry.codes_len; i++)
        free(d->default_codes[i]);
    free(d->default_pool);
    free(d->made_in);
    free(d->file);
    *d = (struct ork_lua_def){0};
}
