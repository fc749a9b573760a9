/* SPDX-License-Identifier: MIT */
/* Runs this engine owns: their table, their attempts under way, their files.
 * A run leaves the table when its end is durable (or we were fenced); its memory goes with the last callback that names
 * it. */
#include "engine/engine.h"
#include "base/path.h"
#include "engine/sub.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBERS (1u << 26) /* of tasks a run has had; an id beyond was not made here */
#define PREFIX 12          /* bytes of a run's id that the ids of its tasks share (ork_task_id) */

struct ork_active *ork_active_new(ork_engine *e, const ork_id *id, ork_workflow *w)
{
    struct ork_active *a = ork_zalloc(sizeof(*a));
    ork_err err = {0};

    a->id = *id;
    ork_id_format(id, a->text);
    a->engine = e;
    if (ork_zone_of(e, w, &a->zone, &err) != 0) /* was there when it was started */
        ork_log_warn(&e->log, "dates of this run are those of UTC run=%s error=%s", a->text, ORK_LOG_VALUE(err.msg));
    a->workflow = ork_workflow_ref(w);
    ork_run_init(&a->run, w);
    ork_active_grow(a);
    a->next_number = ORK_ITEMS_FROM;
    a->refs = 1;
    a->looks = e->looks;
    HASH_ADD(hh, e->runs, id, sizeof(a->id), a);
    HASH_ADD(by_prefix, e->prefixes, id, PREFIX, a);
    return a;
}

struct ork_active *ork_active_aside(const struct ork_active *of)
{
    struct ork_active *a = ork_zalloc(sizeof(*a));

    a->id = of->id;
    memcpy(a->text, of->text, sizeof(a->text));
    a->engine = of->engine;
    a->workflow = ork_workflow_ref(of->workflow);
    ork_run_init(&a->run, of->workflow);
    a->params = json_incref(of->params);
    a->script_dir = of->script_dir ? ork_strdup(of->script_dir) : NULL;
    a->priority = of->priority;
    a->scheduled_for_ms = of->scheduled_for_ms;
    a->strange = of->strange;
    a->aside = true;
    a->refs = 1;
    return a;
}

struct ork_active *ork_active_find(ork_engine *e, const ork_id *id)
{
    struct ork_active *a = NULL;

    HASH_FIND(hh, e->runs, id, sizeof(*id), a);
    return a;
}

void ork_active_ref(struct ork_active *a)
{
    a->refs++;
}

static void free_active(struct ork_active *a)
{
    struct ork_live *l, *tmp;
    HASH_ITER(hh, a->live, l, tmp)
    ork_active_live_free(a, l);
    ork_question_free(a);
    for (struct ork_reject *r; (r = a->rejects);) {
        a->rejects = r->next;
        ork_free(r->text);
        ork_free(r);
    }
    ork_refuse_free(a->poison);
    ork_effects_fini(&a->fx);
    ork_run_fini(&a->run);
    ork_tz_unref(a->zone);
    ork_workflow_unref(a->workflow);
    json_decref(a->params);
    json_decref(a->part);
    json_decref(a->hold);
    ork_buf_fini(&a->events);
    ork_fan_free(a);
    ork_sub_fini(a);
    ork_free(a->output);
    ork_free(a->ids);
    ork_free(a->by_number);
    ork_update_free(a->update);
    ork_free(a->shown);
    ork_free(a->died);
    ork_free(a->script_dir);
    ork_free(a->error);
    ork_free(a->cancel_why);
    ork_free(a->empty_input);
    ork_free(a->copy);
    ork_free(a);
}

void ork_active_unref(struct ork_active *a)
{
    if (--a->refs == 0)
        free_active(a);
}

void ork_active_drop(struct ork_active *a)
{
    ork_engine *e = a->engine;

    if (a->dead)
        return;
    a->dead = true;
    for (struct ork_live *l = a->live; l; l = l->hh.next) { /* nobody takes its result any more */
        if (l->call)
            ork_call_leave(e, l->call);
        if (l->remote)
            ork_remote_leave(l);
    }
    ork_question_leave(a);
    ork_outputs_leave(a);
    if (!a->aside) {
        HASH_DEL(e->runs, a);
        HASH_DELETE(by_prefix, e->prefixes, a);
    }
    ork_active_unnote(a);
    ork_timers_drop(a);
    if (a->limits)
        ork_limits_run_remove(e->limits, a->limits);
    a->limits = NULL;
    ork_pools_turn_over(a);
    for (const struct ork_live *l = a->live; l; l = l->hh.next) { /* who takes it up holds them again */
        if (ork_active_pool(a, l->task) && !l->remote)
            ork_pools_return(e, ork_active_pool(a, l->task));
    }
    if (a->hand)
        a->hand->users--;
    if (a->agent_used && a->hand && !e->closing)
        ork_agent_release(a->hand->agent, &a->id);
    ork_inline_wake(e, a->text);
    ork_active_unref(a);
}

void ork_active_task_id(const struct ork_active *a, uint32_t task, ork_id *out)
{
    if (a->ids && task < a->run.n)
        *out = a->ids[task];
    else
        ork_task_id(&a->id, ork_run_number(&a->run, task), out);
}

const char *ork_active_name(const struct ork_active *a, uint32_t task)
{
    static _Thread_local char text[256]; /* names have at most 200 bytes */
    const char *name = ork_workflow_task_name(a->workflow, ork_run_no(&a->run, task));
    const uint32_t item = ork_run_item(&a->run, task);

    if (!item)
        return name;
    (void)snprintf(text, sizeof(text), "%.230s/%u", name, item);
    return text;
}

const char *ork_active_pool(const struct ork_active *a, uint32_t task)
{
    return ork_workflow_pool(a->workflow, ork_run_no(&a->run, task));
}

int ork_active_task_find(const struct ork_active *a, const char *name, uint32_t *task)
{
    size_t len = 0;

    if (ork_workflow_find(a->workflow, name, strlen(name), task) == 0)
        return 0;
    const uint32_t item = ork_fan_number(name, &len);
    if (!item || ork_workflow_find(a->workflow, name, len, task) != 0)
        return ORK_ENOTFOUND;
    const struct ork_run_fan *f = ork_run_fan(&a->run, *task);
    if (!f || item > f->count)
        return ORK_ENOTFOUND;
    *task = f->first + item - 1;
    return 0;
}

json_t *ork_active_params(struct ork_active *a, uint32_t task)
{
    if (ork_run_is_item(&a->run, task))
        return ork_fan_params(a, task);
    const char *text = ork_workflow_text(a->workflow, ork_run_def(&a->run, task)->params);
    json_t *params = json_loads(text, JSON_DECODE_ANY, NULL);

    return json_is_object(params) ? params : (json_decref(params), json_object());
}

void ork_active_place(const struct ork_active *a, uint32_t task, struct ork_limits_place *at)
{
    const uint32_t no = ork_run_no(&a->run, task);

    *at = (struct ork_limits_place){.window = ork_call_window(a->workflow, no),
                                    .pool = ork_workflow_pool(a->workflow, no),
                                    .slots = ork_workflow_def(a->workflow, no)->pool_slots};
    if (ork_sub_is(a->workflow, no)) { /* a run each: not as many as one likes */
        at->fan = UINT32_MAX;
        at->most = ORK_SUB_MOST;
    }
    if (!ork_run_is_item(&a->run, task))
        return;
    const uint32_t fan = a->run.tasks[task].fan;
    const json_t *most = json_object_get(json_object_get(a->items[fan - 1].params, "each"), "max_parallel");
    if (json_is_integer(most)) {
        at->fan = fan;
        at->most = (uint32_t)json_integer_value(most);
    } else if (at->most) {
        at->fan = fan;
    }
}

bool ork_active_keeps_place(const struct ork_limits_place *at)
{
    return at->window != ORK_WINDOW_WAIT || at->most;
}

void ork_active_grow(struct ork_active *a)
{
    const uint32_t len = a->run.len ? a->run.len : 1;

    if (len <= a->shown_len)
        return;
    a->shown = ork_realloc(a->shown, len);
    memset(a->shown + a->shown_len, 0, len - a->shown_len);
    a->shown_len = len;
}

/* Runs that moved to another definition: the number in an id is not the task's place any more. */
void ork_active_number(struct ork_active *a)
{
    for (uint32_t i = 0; i < a->run.n; i++) {
        uint32_t no = ork_task_number(&a->ids[i]);
        if (!ork_task_is_of(&a->ids[i], &a->id) || no >= NUMBERS)
            continue;
        if (no >= a->by_number_len) {
            uint32_t len = no + a->run.n + 1;
            a->by_number = ork_realloc(a->by_number, len * sizeof(*a->by_number));
            memset(a->by_number + a->by_number_len, 0xff, (len - a->by_number_len) * sizeof(*a->by_number));
            a->by_number_len = len;
        }
        a->by_number[no] = i;
    }
}

/* The agent names attempts by task id: derived ids carry run and number; runs taken over from the original are
 * searched.
 */
int ork_active_by_task(ork_engine *e, const ork_id *task_id, struct ork_active **out, uint32_t *task)
{
    struct ork_active *a = NULL, *tmp;

    HASH_FIND(by_prefix, e->prefixes, task_id, PREFIX, a);
    uint32_t no = ork_task_number(task_id);
    if (a && no >= ORK_ITEMS_FROM)
        no = ork_run_by_number(&a->run, no);
    else if (a && a->by_number)
        no = no < a->by_number_len ? a->by_number[no] : ORK_NO_TASK;
    if (a && (!a->ids || a->by_number || (no != ORK_NO_TASK && no >= a->run.n)) && no < a->run.len) {
        *out = a;
        *task = no;
        return 0;
    }
    if (!e->foreign_ids)
        return ORK_ENOTFOUND;
    HASH_ITER(hh, e->runs, a, tmp)
    {
        for (uint32_t i = 0; a->ids && i < a->run.n; i++) {
            if (ork_id_eq(&a->ids[i], task_id)) {
                *out = a;
                *task = i;
                return 0;
            }
        }
    }
    return ORK_ENOTFOUND;
}

void ork_active_note(struct ork_active *a)
{
    if (a->is_noted || a->dead)
        return;
    a->is_noted = true;
    a->noted = a->engine->noted;
    a->engine->noted = a;
}

void ork_active_unnote(struct ork_active *a)
{
    for (struct ork_active **p = &a->engine->noted; a->is_noted && *p; p = &(*p)->noted) {
        if (*p == a) {
            *p = a->noted;
            break;
        }
    }
    a->is_noted = false;
}

struct ork_live *ork_active_live(struct ork_active *a, uint32_t task)
{
    struct ork_live *l = a->newest;

    if (l && l->task == task) /* one event asks many times */
        return l;
    HASH_FIND(hh, a->live, &task, sizeof(task), l);
    if (l)
        a->newest = l;
    return l;
}

struct ork_live *ork_active_live_new(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    struct ork_live *l = ork_zalloc(sizeof(*l));

    l->task = task;
    l->attempt = attempt;
    HASH_ADD(hh, a->live, task, sizeof(l->task), l);
    return l;
}

void ork_active_live_free(struct ork_active *a, struct ork_live *l)
{
    HASH_DEL(a->live, l);
    if (a->newest == l)
        a->newest = NULL;
    if (l->verdict)
        ork_verdict_free(a, l);
    if (l->call)
        ork_call_free(a->engine, l->call);
    if (l->job)
        ork_deferred_free(a, l);
    if (l->remote)
        ork_remote_free(a, l);
    ork_argv_fini(&l->argv);
    ork_mask_fini(&l->mask);
    ork_artifacts_fini(&l->artifacts);
    if (l->exit)
        ork_free((char *)l->exit->error);
    ork_free(l->exit);
    ork_free(l->log_path);
    ork_free(l->input_path);
    ork_free(l);
}

char *ork_active_file(const struct ork_active *a, uint32_t task, uint32_t attempt, const char *suffix)
{
    struct ork_buf b = ORK_BUF_INIT;

    if (task >= a->run.n)
        task = ork_run_number(&a->run, task);
    else if (a->ids && ork_task_is_of(&a->ids[task], &a->id)) /* no two tasks of a run have ever had the same */
        task = ork_task_number(&a->ids[task]);
    ork_buf_addf(&b, "%s/logs/%s/%u.%u.%s", a->engine->data_dir, a->text, task, attempt, suffix);
    return ork_buf_steal(&b, NULL);
}

char *ork_active_beside(const char *log_path, const char *suffix)
{
    size_t n = strlen(log_path);
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_add(&b, log_path, n > 3 ? n - 3 : n); /* "….log" */
    ork_buf_adds(&b, suffix);
    return ork_buf_steal(&b, NULL);
}

int ork_active_files(struct ork_active *a, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;

    if (a->empty_input)
        return 0;
    ork_buf_addf(&b, "%s/logs/%s", a->engine->data_dir, a->text);
    int rc = ork_path_make_dirs(b.data, err);
    char *path = ork_path_join(b.data, "empty.in");
    ork_buf_fini(&b);
    if (rc) {
        ork_free(path);
        return rc;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC, 0600);
    if (fd < 0 || write(fd, "{}\n", 3) != 3) {
        rc = ork_err_errno(err, errno, "cannot write %s", path);
        if (fd >= 0)
            (void)close(fd);
        ork_free(path);
        return rc;
    }
    (void)close(fd);
    a->empty_input = path;
    return 0;
}
