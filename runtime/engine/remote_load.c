/* SPDX-License-Identifier: MIT */
/* Jobs of other services after a restart: as their rows have them. */
#include "engine/engine.h"
#include "engine/remote.h"
#include <string.h>
#include <sys/stat.h>

static int load_job(struct ork_remote_job *j, const struct ork_rows *rows, size_t i, uint32_t attempt)
{
    const char *text = ork_rows_text(rows, i, "job_data"), *status = ork_rows_text(rows, i, "status"),
               *error = ork_rows_text(rows, i, "error");
    json_t *data = text ? json_loads(text, 0, NULL) : NULL, *own = json_incref(json_object_get(data, "ork"));
    const json_t *due = json_object_get(own, "due");
    ork_err none;
    int rc = -1;

    *j = (struct ork_remote_job){0};
    if (own && json_integer_value(json_object_get(own, "attempt")) == attempt && json_is_string(due)) {
        json_object_del(data, "ork");
        rc = ork_remote_read(&j->def, data, 0, &none);
    }
    if (!rc) {
        (void)ork_rows_id(rows, i, "id", &j->id);
        if (ork_time_parse(json_string_value(due), json_string_length(due), &j->due_ms, &none) != 0)
            j->due_ms = j->polled_ms;
        j->asked = (uint32_t)json_integer_value(json_object_get(own, "asked"));
        j->polled_ms = ork_rows_time(rows, i, "last_polled_at");
        j->answer = json_incref(json_object_get(own, "answer"));
        j->error = error ? ork_strdup(error) : NULL;
        const char *said = json_string_value(json_object_get(own, "said"));
        j->said = said ? ork_strdup(said) : NULL;
        for (int s = ORK_REMOTE_DONE; s <= ORK_REMOTE_CANCELLED; s++)
            if (strcmp(status, ork_remote_states[s]) == 0)
                j->state = s;
    }
    json_decref(own);
    json_decref(data);
    return rc;
}

static int load_task(struct ork_active *a, uint32_t task, int64_t begun_ms, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct stat st;
    ork_id id;

    ork_active_task_id(a, task, &id);
    struct ork_param p[] = {ORK_P_ID(&id)};
    int rc = ork_store_query(a->engine->store, ORK_Q_jobs_of_task, p, 1, &rows, err);
    if (!rc)
        rc = ork_remote_http(a->engine, err);
    if (rc) {
        ork_rows_free(rows);
        return rc;
    }
    struct ork_live *l = ork_active_live_new(a, task, a->run.tasks[task].attempt);
    l->remote = ork_zalloc(sizeof(*l->remote));
    l->remote->jobs = ork_zalloc((ork_rows_len(rows) + 1) * sizeof(*l->remote->jobs));
    for (size_t i = 0; i < ork_rows_len(rows); i++)
        if (load_job(&l->remote->jobs[l->remote->n], rows, i, l->attempt) == 0)
            l->remote->n++;
    ork_rows_free(rows);
    l->committed = l->known = l->adopted = true;
    l->started_ms = l->dispatched_ms = l->remote->begun_ms = begun_ms;
    l->remote->exit_code = ork_call_is(a->workflow, ork_run_no(&a->run, task)) ? -1 : 0;
    l->log_path = ork_active_file(a, task, l->attempt, "log");
    l->remote->log_bytes = stat(l->log_path, &st) == 0 ? (int64_t)st.st_size : 0;
    ork_remote_limit(a, l);
    ork_remote_arm(a, l);
    return 0;
}

int ork_remote_load(struct ork_active *a, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(&a->id)};
    bool any = false;
    int rc = 0;

    for (uint32_t i = 0; i < a->run.len && !any; i++)
        any = !ork_run_fan(&a->run, i) && !ork_deferred_is(a->workflow, ork_run_no(&a->run, i)) &&
              (a->run.tasks[i].status == ORK_TASK_RUNNING || a->run.tasks[i].status == ORK_TASK_DISPATCHED);
    if (any)
        rc = ork_store_query(a->engine->store, ORK_Q_jobs_open, p, 1, &rows, err);
    for (size_t i = 0; !rc && any && i < ork_rows_len(rows); i++) {
        int64_t number = ork_rows_int(rows, i, "task_index", -1);
        uint32_t task = number < 0 ? ORK_NO_TASK : ork_run_by_number(&a->run, (uint32_t)number);
        if (task != ORK_NO_TASK && strcmp(ork_rows_text(rows, i, "service_type"), "custom_http") == 0 &&
            !ork_active_live(a, task))
            rc = load_task(a, task, ork_rows_time(rows, i, "started_at"), err);
    }
    ork_rows_free(rows);
    return rc;
}
