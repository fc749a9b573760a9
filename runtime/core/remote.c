/* SPDX-License-Identifier: MIT */
#include "core/remote.h"
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include <string.h>

const json_t *ork_remote_list(const json_t *output)
{
    const json_t *list = json_object_get(output, "deferred");

    return json_is_array(list) ? list : NULL;
}

/* A member that is a text; NULL and err when it is something else. */
static const char *text_of(const json_t *job, const char *key, const char *otherwise, size_t index, int *rc,
                           ork_err *err)
{
    const json_t *v = json_object_get(job, key);

    if (*rc)
        return NULL;
    if (!v || json_is_null(v)) {
        if (!otherwise)
            *rc = ork_err_set(err, ORK_EINVAL, "deferred[%zu]: `%s` is missing", index + 1, key);
        return otherwise;
    }
    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
        *rc = ork_err_set(err, ORK_EINVAL, "deferred[%zu]: `%s` is not a text", index + 1, key);
    return json_string_value(v);
}

static int check_service(const char *type, size_t index, ork_err *err)
{
    static const char *const google[] = {"bigquery", "cloudrun", "dataproc"};

    if (strcmp(type, "custom_http") == 0)
        return 0;
    for (size_t i = 0; i < sizeof(google) / sizeof(*google); i++)
        if (strcmp(type, google[i]) == 0)
            return ork_err_set(err, ORK_EINVAL,
                               "deferred[%zu]: jobs of `%s` are not followed by this Ork, which follows `custom_http`",
                               index + 1, type);
    return ork_err_set(err, ORK_EINVAL,
                       "deferred[%zu]: there is no service type `%.*s`; this Ork follows `custom_http`", index + 1,
                       ork_utf8_cut(type, 60), type);
}

static int check_request(const struct ork_remote_def *d, size_t index, ork_err *err)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    const json_t *headers = json_object_get(d->data, "headers");
    bool known = false;

    if (strncmp(d->url, "http://", 7) != 0 && strncmp(d->url, "https://", 8) != 0)
        return ork_err_set(err, ORK_EINVAL, "deferred[%zu]: `url` begins with http:// or https://", index + 1);
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        known |= strcmp(d->method, methods[i]) == 0;
    if (!known)
        return ork_err_set(err, ORK_EINVAL, "deferred[%zu]: `method` is GET, POST, PUT or DELETE", index + 1);
    if (headers && !json_is_object(headers))
        return ork_err_set(err, ORK_EINVAL, "deferred[%zu]: `headers` is an object", index + 1);
    return 0;
}

int ork_remote_read(struct ork_remote_def *d, const json_t *job, size_t index, ork_err *err)
{
    int rc = 0;

    *d = (struct ork_remote_def){0};
    if (!json_is_object(job))
        return ork_err_set(err, ORK_EINVAL, "deferred[%zu]: it is no object", index + 1);
    d->data = json_incref((json_t *)(uintptr_t)job);
    const char *type = text_of(job, "service_type", NULL, index, &rc, err);
    const char *id = text_of(job, "job_id", NULL, index, &rc, err);
    if (!rc)
        rc = check_service(type, index, err);
    d->url = text_of(job, "url", NULL, index, &rc, err);
    d->method = text_of(job, "method", "GET", index, &rc, err);
    d->status_field = text_of(job, "status_field", "status", index, &rc, err);
    d->success = text_of(job, "success_value", "success", index, &rc, err);
    const char *failure = text_of(job, "failure_value", "", index, &rc, err);
    d->failure = failure && *failure ? failure : NULL;
    if (!rc)
        rc = check_request(d, index, err);
    if (rc)
        ork_remote_def_fini(d);
    else
        d->job_id = ork_strdup(id);
    return rc;
}

void ork_remote_def_fini(struct ork_remote_def *d)
{
    json_decref(d->data);
    ork_free(d->job_id);
    *d = (struct ork_remote_def){0};
}

/* What is told, and by which masks. */
struct tale {
    const struct ork_mask *mask;
    struct ork_buf *why;
};

/* A word of the service's, or one of the job's: masked before it is cut, as half a secret is not found. */
static void add_word(const struct tale *t, const char *word, int most)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf whole = ORK_BUF_INIT;

    ork_mask_text(t->mask, word, strlen(word), &whole);
    if (whole.len)
        ork_buf_add(t->why, whole.data, (size_t)ork_utf8_cut(whole.data, most));
}

static void add_quoted(const struct tale *t, const char *before, const char *word, int most)
{
    ork_buf_addf(t->why, "%s`", before);
    add_word(t, word, most);
    ork_buf_adds(t->why, "`");
}

/* What the answer itself says of it. */
static void add_error(const struct tale *t, const json_t *body)
{
    const char *error = json_string_value(json_object_get(body, "error"));

    if (!error)
        return;
    ork_buf_adds(t->why, ": ");
    add_word(t, error, 1000);
}

#define NAMED 12 /* fields of an answer */

/* Of an answer without the field: what it has instead. */
static void tell_fields(const struct tale *t, const struct ork_remote_def *d, const json_t *body)
{
    const char *names[33] = {NULL}, *name;
    const json_t *any;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)body, name, any) if (n < 32) names[n++] = name;
    const char *near = ork_suggest(d->status_field, names);
    add_quoted(t, "no field ", d->status_field, 60);
    ork_buf_adds(t->why, " in the answer");
    if (near) {
        add_quoted(t, "; did you mean ", near, 60);
        ork_buf_adds(t->why, "?");
    }
    for (size_t i = 0; !near && i < n && i < NAMED; i++) {
        ork_buf_adds(t->why, i ? ", " : "; it has ");
        add_word(t, names[i], 60);
    }
    if (!near && n > NAMED)
        ork_buf_adds(t->why, ", …");
}

/* Of an answer that says neither: what stands where the word is looked for. */
static void tell_running(const struct tale *t, const struct ork_remote_def *d, const json_t *body)
{
    const json_t *word = json_object_get(body, d->status_field);

    if (!word) {
        tell_fields(t, d, body);
        return;
    }
    add_quoted(t, "its ", d->status_field, 60);
    if (json_is_string(word)) {
        add_quoted(t, " is ", json_string_value(word), 200);
    } else {
        ORK_CLEANUP(ork_buf_fini) struct ork_buf shown = ORK_BUF_INIT;
        ork_type_value_text(word, &shown);
        ork_buf_adds(t->why, " is ");
        add_word(t, shown.data, 200);
        ork_buf_adds(t->why, ", no text");
    }
    add_quoted(t, "; success is ", d->success, 60);
}

enum ork_remote_says ork_remote_judge(const struct ork_remote_def *d, int status, const char *answer, size_t len,
                                      const struct ork_mask *mask, json_t **body, struct ork_buf *why)
{
    const struct tale t = {mask, why};
    ork_err err;
    int bad = ork_json_parse(answer, len, body, &err);

    if (bad)
        *body = NULL;
    if (status < 200 || status > 299) {
        bool again = status >= 500 || status == 408 || status == 429;
        ork_buf_addf(why, "its service answered %d", status);
        add_error(&t, *body);
        return again ? ORK_REMOTE_NO_ANSWER : ORK_REMOTE_BROKE;
    }
    if (!json_is_object(*body)) {
        ork_buf_adds(why, "the answer of its service is no JSON object");
        return ORK_REMOTE_NO_ANSWER;
    }
    const char *word = json_string_value(json_object_get(*body, d->status_field));
    if (word && strcmp(word, d->success) == 0)
        return ORK_REMOTE_COMPLETED;
    if (word && d->failure && strcmp(word, d->failure) == 0) {
        ork_buf_adds(why, "its ");
        add_word(&t, d->status_field, 60);
        add_quoted(&t, " is ", word, 200);
        add_error(&t, *body);
        return ORK_REMOTE_BROKE;
    }
    tell_running(&t, d, *body);
    return ORK_REMOTE_RUNNING;
}

int64_t ork_remote_delay(uint32_t asked, uint64_t random)
{
    int64_t ms = ORK_REMOTE_FIRST_MS;

    for (uint32_t i = 1; i < asked && ms < ORK_REMOTE_LAST_MS; i++)
        ms *= 2;
    ms = ms < ORK_REMOTE_LAST_MS ? ms : ORK_REMOTE_LAST_MS;
    return ms - ms / 5 + (int64_t)(random % (uint64_t)(2 * (ms / 5) + 1));
}
