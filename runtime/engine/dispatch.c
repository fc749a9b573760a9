/* SPDX-License-Identifier: MIT */
/* From ready to started. A ready task is judged (`when`), queued in the limits, and when its turn comes its inputs are
 * resolved, its command is built, and the attempt is granted: its row says dispatched in the same commit as the results
 * it waited for. Only when that commit is durable does the agent hear of it (law 1). */
#include "engine/engine.h"
#include "base/path.h"
#include "engine/python.h"
#include "engine/workers.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool optional_refs(const struct ork_active *a, uint32_t task)
{
    return ork_run_def(&a->run, task)->rule != ORK_RULE_ALL_SUCCESS;
}

/* ---- judging ---- */

/* Only the program that defined it may be able to do it. */
static bool of_program(const struct ork_task_def *def)
{
    return def->executor == ORK_EXEC_INLINE || def->executor == ORK_EXEC_WORKFLOW;
}

static void queue_ready(struct ork_active *a, uint32_t task)
{
    const struct ork_task_def *def = ork_run_def(&a->run, task);
    struct ork_limits_place place;

    if (a->strange && of_program(def) && !a->run.cancelling)
        return;                /* for who has its function; only what is to be tidied up cannot wait, and fails */
    if (ork_fan_is(a, task)) { /* takes no slot: it becomes what does */
        ork_fan_expand(a, task);
        return;
    }
    ork_active_place(a, task, &place);
    ork_limits_ready_at(a->engine->limits, a->limits, task, def->priority, &place);
    if (def->queue_timeout_ms > 0)
        ork_timers_arm(a, ORK_TIMER_QUEUE, task, ork_engine_now(a->engine) + def->queue_timeout_ms);
}

/* Its `when` is a function, which has said what it says. A crash before that counted asks again. */
static void on_answer(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer)
{
    struct ork_event ev = {.type = ORK_EV_WHEN_FALSE, .task = task};
    struct ork_buf why = ORK_BUF_INIT;

    (void)attempt;
    if (a->dead || !(a->run.tasks[task].flags & ORK_RT_READY))
        return;
    if (answer->error) {
        ork_buf_addf(&why, "when: %s", answer->error);
        ork_settle_reject_after(a, task, answer->kind, why.data, answer->final ? -1 : answer->retry_after_ms);
        ork_buf_fini(&why);
    } else if (!answer->json) {
        (void)ork_active_step(a, &ev);
    } else {
        a->run.tasks[task].flags |= ORK_RT_JUDGED;
        queue_ready(a, task);
    }
}

static int ask_when(struct ork_active *a, uint32_t task, const json_t *params, ork_err *err)
{
    uint32_t attempt = a->run.tasks[task].attempt + 1;
    char *text = NULL;
    size_t len = 0;
    int rc = ork_question_may(a, err);

    if (!rc)
        rc = ork_active_files(a, err);
    if (!rc)
        rc = ork_question_input(a, task, attempt, params, &text, &len, err);
    if (!rc)
        ork_question_ask(a, task, attempt,
                         &(struct ork_ask){.option = "when", .input = text, .input_len = len, .cb = on_answer});
    return rc;
}

static void on_judgeable(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    struct ork_event ev = {.task = task};
    bool yes = false;
    ork_err why = {0};

    if (!(a->run.tasks[task].flags & ORK_RT_READY))
        return; /* withdrawn meanwhile */
    bool asks = json_object_get(json_object_get(params, "when"), "function") != NULL;
    if (asks && !a->run.cancelling && ork_question_may(a, &why) != 0)
        return; /* for who has its function */
    if (!code && asks) {
        code = ork_question_open(a, task, "when") ? 0 : ask_when(a, task, params, &why);
        if (!code)
            return;
    } else if (code) {
        why = *err;
    } else {
        ork_inputs_scope(&data, a, task, a->run.tasks[task].attempt + 1, &scope);
        code = ork_expr_when(json_object_get(params, "when"), &scope, optional_refs(a, task), &yes, &why);
        ork_inputs_scope_fini(&data);
    }
    if (code) {
        (void)ork_err_wrap(&why, "when");
        ork_settle_reject(a, task, ORK_KIND_INPUT, why.msg);
    } else if (!yes) {
        ev.type = ORK_EV_WHEN_FALSE;
        (void)ork_active_step(a, &ev);
    } else {
        a->run.tasks[task].flags |= ORK_RT_JUDGED;
        queue_ready(a, task);
    }
}

void ork_dispatch_ready(struct ork_active *a, uint32_t task)
{
    const struct ork_task_def *def = ork_run_def(&a->run, task);

    if ((def->flags & ORK_TASK_HAS_WHEN) && !ork_run_is_item(&a->run, task) &&
        !(a->run.tasks[task].flags & ORK_RT_JUDGED)) {
        json_t *params = ork_active_params(a, task);
        ork_inputs_fetch(a, task, params, on_judgeable);
        json_decref(params);
        return;
    }
    queue_ready(a, task);
}

void ork_dispatch_strange(struct ork_active *a)
{
    for (uint32_t i = 0; i < a->run.len; i++) {
        const struct ork_task_def *def = ork_run_def(&a->run, i);
        const uint8_t flags = a->run.tasks[i].flags;
        bool judged = !(def->flags & ORK_TASK_HAS_WHEN) || flags & ORK_RT_JUDGED || ork_run_is_item(&a->run, i);
        if (of_program(def) && flags & ORK_RT_READY && judged)
            queue_ready(a, i);
    }
}

/* ---- building the command ---- */

static void set_env(struct ork_argv *v, size_t *cap, const char *name, const char *value)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_adds(&b, name);
    ork_buf_addc(&b, '=');
    ork_buf_adds(&b, value);
    ork_grow((void **)&v->env, cap, v->envc + 2, sizeof(*v->env));
    v->env[v->envc++] = ork_buf_steal(&b, NULL);
    v->env[v->envc] = NULL;
}

/* Is it told to leave files there: in a word of its command, or by Python, where nobody can see? */
static bool names_artifacts(const struct ork_active *a, const struct ork_live *l)
{
    bool named = ork_python_is(a->workflow, ork_run_no(&a->run, l->task));

    for (size_t i = 0; i < l->argv.argc && !named; i++)
        named = strstr(l->argv.argv[i], "ORK_ARTIFACTS") != NULL;
    return named;
}

/* What the task sees of Ork (the client has taken Ork's own variables out of the environment); its own `env` stays last
 * and wins. */
static void add_environment(struct ork_active *a, struct ork_live *l, const char *input_text, size_t input_len)
{
    struct ork_argv *v = &l->argv;
    char **own = v->env;
    size_t own_len = v->envc, cap = 0;
    char number[24], id[ORK_ID_TEXT];
    ork_id task_id;

    v->env = NULL;
    v->envc = 0;
    ork_grow((void **)&v->env, &cap, own_len + 24, sizeof(*v->env));
    ork_active_task_id(a, l->task, &task_id);
    ork_id_format(&task_id, id);
    set_env(v, &cap, "ORK_RUN_ID", a->text);
    set_env(v, &cap, "ORK_TASK_ID", id);
    set_env(v, &cap, "EXECUTION_ID", id);
    set_env(v, &cap, "ORK_TASK_NAME", ork_active_name(a, l->task));
    (void)snprintf(number, sizeof(number), "%u", ork_run_number(&a->run, l->task));
    set_env(v, &cap, "ORK_TASK_INDEX", number);
    if (ork_run_is_item(&a->run, l->task)) {
        (void)snprintf(number, sizeof(number), "%u", ork_run_item(&a->run, l->task));
        set_env(v, &cap, "ORK_ITEM", number);
    }
    (void)snprintf(number, sizeof(number), "%u", l->attempt);
    set_env(v, &cap, "ORK_ATTEMPT", number);
    set_env(v, &cap, "ORK_WORKFLOW_NAME", ork_workflow_name(a->workflow));
    if (ork_fan_counted(a, l->task)) { /* as those tasks were told in the original Ork */
        (void)snprintf(number, sizeof(number), "task_%u", ork_run_item(&a->run, l->task) - 1);
        set_env(v, &cap, "task_name", number);
        set_env(v, &cap, "task_index", number + strlen("task_"));
        set_env(v, &cap, "workflow_name", ork_workflow_name(a->workflow));
        set_env(v, &cap, "run_id", a->text);
    }
    char *out = ork_active_file(a, l->task, l->attempt, "out");
    set_env(v, &cap, "ORK_OUTPUT_FILE", out);
    ork_free(out);
    char *folder = ork_active_file(a, l->task, l->attempt, "artifacts");
    /* To make and remove one costs a third of a small process: others make theirs themselves. */
    if (names_artifacts(a, l) && mkdir(folder, 0700) != 0) { /* of an attempt that was begun and never counted */
        ork_artifacts_remove(folder);
        (void)mkdir(folder, 0700);
    }
    set_env(v, &cap, "ORK_ARTIFACTS", folder);
    ork_free(folder);
    set_env(v, &cap, "ORK_INPUT_FILE", l->input_path ? l->input_path : a->empty_input);
    if (input_len < ORK_INPUT_ENV_MAX)
        set_env(v, &cap, "ORK_INPUT_JSON", input_text);
    for (size_t i = 0; i < own_len; i++)
        v->env[v->envc++] = own[i];
    v->env[v->envc] = NULL;
    ork_free(own);
}

static int write_input(struct ork_live *l, const char *text, size_t len, ork_err *err)
{
    int fd = open(l->input_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return ork_err_errno(err, errno, "cannot write %s", l->input_path);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int rc = ork_err_errno(err, errno, "cannot write %s", l->input_path);
            (void)close(fd);
            return rc;
        }
        done += (size_t)n;
    }
    (void)close(fd);
    return 0;
}

static int build(struct ork_active *a, struct ork_live *l, json_t *params, ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    json_t *input = NULL;
    char *text = NULL;
    size_t len = 0;

    bool python = ork_python_is(a->workflow, ork_run_no(&a->run, l->task));
    if (!python && ork_run_def(&a->run, l->task)->executor != ORK_EXEC_PROCESS)
        return ork_err_set(err, ORK_EINVAL,
                           "its executor `%s` is not part of this Ork, which runs processes (`command`)",
                           ork_workflow_executor(a->workflow, ork_run_no(&a->run, l->task)));
    int rc = ork_active_files(a, err);
    if (rc)
        return rc;
    ork_resources_read(params, &l->most);
    ork_inputs_scope(&data, a, l->task, l->attempt, &scope);
    rc = ork_inputs_bind(a, l->task, params, &scope, &input, err);
    data.input = input;
    if (!rc)
        rc = python ? ork_python_command(a, params, &scope, &l->argv, err)
                    : ork_expr_command(params, &scope, &l->argv, err);
    if (!rc)
        ork_inputs_mask(a, l, params);
    if (!rc)
        rc = ork_json_text(input, &text, &len, err);
    if (!rc && len > ORK_INPUT_MAX)
        rc = ork_err_set(err, ORK_ETOOBIG,
                         "the input is %zu bytes; at most %u are handed to a task: pass a file's path instead", len,
                         ORK_INPUT_MAX);
    bool empty = json_is_object(input) && json_object_size(input) == 0;
    ork_free(l->input_path);
    l->input_path = NULL;
    if (!rc && !empty) {
        l->input_path = ork_active_file(a, l->task, l->attempt, "in");
        rc = write_input(l, text, len, err);
    }
    if (!rc)
        add_environment(a, l, text, len);
    ork_free(text);
    json_decref(input);
    ork_inputs_scope_fini(&data);
    return rc;
}

/* ---- granting ---- */

static void on_inputs(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    struct ork_event ev = {.type = ORK_EV_GRANT, .task = task};
    uint32_t no = ork_run_no(&a->run, task);
    bool called = ork_call_is(a->workflow, no), waits = ork_deferred_is(a->workflow, no);
    ork_err why = {0};

    ork_timers_disarm(a, ORK_TIMER_QUEUE, task);
    struct ork_limits_place place;
    ork_active_place(a, task, &place);
    if (a->limits && !ork_active_keeps_place(&place))
        ork_limits_done_at(a->engine->limits, a->limits, &place);
    if (!(a->run.tasks[task].flags & ORK_RT_READY)) { /* withdrawn while it was read */
        ork_dispatch_release(a, task);
        return;
    }
    struct ork_live *l = ork_active_live_new(a, task, a->run.tasks[task].attempt + 1);
    l->dispatched_ms = ork_engine_now(a->engine);
    if (a->hand && !called && !waits)
        l->agent = a->hand->id;
    if (code)
        why = *err;
    else
        code = called  ? ork_call_build(a, l, params, &why)
               : waits ? ork_deferred_build(a, l, params, &why)
                       : build(a, l, params, &why);
    bool refused = ork_refuse_poison(a, task, l->attempt) != NULL; /* its rows already; now without the path */
    if (!code && !refused && !waits) {
        l->log_path = ork_active_file(a, task, l->attempt, "log");
        l->grace_ms = json_is_integer(json_object_get(params, "grace_ms"))
                          ? json_integer_value(json_object_get(params, "grace_ms"))
                          : ORK_GRACE_MS;
    }
    if (ork_active_step(a, &ev) != 0) {
        ork_active_live_free(a, l);
        ork_dispatch_release(a, task);
        return;
    }
    if (code || refused) {
        ork_settle_fail(a, task, code == ORK_ESTATE ? ORK_KIND_POLICY : ORK_KIND_INPUT, why.msg);
        return;
    }
    if (waits) {
        ork_deferred_begin(a, l);
        return;
    }
    struct ork_after *x = ork_commit_after(a->engine, called ? ORK_AFTER_CALLED : ORK_AFTER_SPAWN, a, task);
    x->attempt = l->attempt;
    a->engine->current->urgent = true; /* a call leaves no row of its own that would be */
}

/* Full disk: nothing new may start, what runs goes on. Looked at once a second while tasks start, and again by a timer
 * only while it is full. */
static bool disk_is_full(ork_engine *e)
{
    int64_t now = e->clock->mono_ms(e->clock->data);
    struct statvfs vfs;

    if (e->free_checked_ms && now - e->free_checked_ms < 1000)
        return e->low_disk;
    e->free_checked_ms = now;
    bool low = statvfs(e->data_dir, &vfs) == 0 && (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize < e->min_free;
    if (low && !e->low_disk)
        ork_log_warn(
            &e->log,
            "less than %lld MiB (ORK_MIN_FREE_MB) are free on the disk of %s; no task is started until there is room",
            (long long)(e->min_free >> 20), e->data_dir);
    e->low_disk = low;
    return low;
}

static void on_disk_again(uv_timer_t *t)
{
    (void)t; /* the turn that follows looks again */
}

void ork_dispatch_pump(ork_engine *e)
{
    struct ork_limits_run *r;
    uint32_t task;

    if (!e->runs || !e->registered)
        return;
    ork_limits_shut(e->limits, ORK_WINDOW_HOST, false);
    ork_pools_wish(e);
    ork_limits_shut(e->limits, ORK_WINDOW_HOST, !ork_hands_ready(e));
    if (disk_is_full(e)) {
        if (!uv_is_active((uv_handle_t *)&e->disk))
            uv_timer_start(&e->disk, on_disk_again, 1100, 0);
        return;
    }
    while (e->fetches < ORK_FETCHES) { /* inputs are in memory from when they are read */
        ork_limits_shut(e->limits, ORK_WINDOW_LUA, ork_workers_full(e));
        ork_limits_shut(e->limits, ORK_WINDOW_INLINE, e->call_bytes > ORK_WORKERS_INPUTS);
        if (!ork_limits_next(e->limits, &r, &task))
            break;
        struct ork_active *a = ork_limits_run_data(r);
        json_t *params = ork_active_params(a, task);
        ork_inputs_fetch_all(a, task, params, on_inputs);
        json_decref(params);
    }
    ork_pools_wish(e); /* for what was found short of slots just now */
}

void ork_dispatch_release(struct ork_active *a, uint32_t task)
{
    const char *pool = ork_active_pool(a, task);

    struct ork_limits_place place;
    ork_active_place(a, task, &place);
    if (!a->limits || !ork_active_keeps_place(&place)) /* that gave it back when it began */
        return;
    ork_limits_done_at(a->engine->limits, a->limits, &place);
    if (pool)
        ork_pools_return(a->engine, pool);
}

/* ---- handing over ---- */

void ork_dispatch_spawn(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    struct ork_live *l = ork_active_live(a, task);
    const struct ork_task_def *def = ork_run_def(&a->run, task);

    if (!l || l->attempt != attempt || a->dead)
        return;
    l->committed = true;
    if (!a->hand || !a->hand->ready || !l->argv.argv)
        return; /* on_claimed sends it */
    struct ork_spawn s = {
        .key.attempt = attempt,
        .run = a->id,
        .argv = l->argv.argv,
        .argc = l->argv.argc,
        .env = l->argv.env,
        .envc = l->argv.envc,
        .cwd = l->argv.cwd     ? l->argv.cwd
               : a->script_dir ? a->script_dir
                               : a->engine->cwd,
        .log_path = l->log_path,
        .timeout_ms = def->timeout_ms,
        .grace_ms = l->grace_ms,
        .cpu_ms = l->most.cpu_ms,
        .memory = l->most.memory,
        .keep_children = (def->flags & ORK_TASK_KEEP_CHILDREN) != 0,
        .priority = def->priority,
    };
    char *joined = NULL;
    if (s.cwd[0] != '/') {
        joined = ork_path_join(a->script_dir ? a->script_dir : a->engine->cwd, s.cwd);
        s.cwd = joined;
    }
    ork_active_task_id(a, task, &s.key.task);
    ork_agent_spawn(a->hand->agent, &s);
    ork_free(joined);
    l->known = true;
    ork_argv_fini(&l->argv);
    l->argv = (struct ork_argv){0};
}

static void on_inputs_again(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    struct ork_live *l = ork_active_live(a, task);
    ork_err why = {0};

    if (!l || !l->asking) /* another attempt by now */
        return;
    l->asking = false;
    if (l->known)
        return;
    if (a->run.tasks[task].flags & ORK_RT_KILLING) { /* the agent was told to end it and did not know it */
        ork_settle_fail(a, task, ORK_KIND_CANCELLED, "cancelled before it started");
        return;
    }
    if (code)
        why = *err;
    else
        code = build(a, l, params, &why);
    if (code) {
        ork_settle_fail(a, task, ORK_KIND_INPUT, why.msg);
        return;
    }
    if (!l->log_path)
        l->log_path = ork_active_file(a, task, l->attempt, "log");
    l->grace_ms = json_is_integer(json_object_get(params, "grace_ms"))
                      ? json_integer_value(json_object_get(params, "grace_ms"))
                      : ORK_GRACE_MS;
    ork_dispatch_spawn(a, task, l->attempt);
    ork_agent_flush(a->hand->agent);
}

void ork_dispatch_again(struct ork_active *a, struct ork_live *l)
{
    if (l->argv.argv) {
        ork_dispatch_spawn(a, l->task, l->attempt);
        return;
    }
    if (l->asking)
        return;
    l->asking = true;
    json_t *params = ork_active_params(a, l->task);
    ork_inputs_fetch_all(a, l->task, params, on_inputs_again);
    json_decref(params);
}
