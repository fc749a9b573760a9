/* SPDX-License-Identifier: MIT */
/* Documents: JSON texts about runs, tasks and what they wait for, written from rows, so that any process can answer for
 * a run of another owner. Members are added to a buffer that ends with what came before. */
#ifndef ORK_ENGINE_DOC_H
#define ORK_ENGINE_DOC_H
#include "base/buf.h"
#include "store/store.h"
#include <jansson.h>
#include <ork/ork.h>

int ork_doc_run(ork_engine *e, const struct ork_rows *rows, size_t row, bool params, struct ork_buf *out,
                ork_err *err) ORK_MUSTCHECK;
int ork_doc_parse_run(const char *text, ork_id *id, ork_err *err) ORK_MUSTCHECK;
char *ork_utf8_clean(const char *p, size_t n,
                     size_t *len); /* result.c, logs: UTF-8 without NUL, the rest as U+FFFD; caller frees */
void ork_doc_key(struct ork_buf *b, const char *key);
void ork_doc_text(struct ork_buf *b, const char *key, const char *value);
void ork_doc_int(struct ork_buf *b, const char *key, int64_t value);
void ork_doc_time(struct ork_buf *b, const char *key, int64_t ms);
void ork_doc_raw(struct ork_buf *b, const char *key, const char *json);
void ork_doc_maybe_int(struct ork_buf *b, const char *key, const struct ork_rows *r, size_t row, const char *col);
void ork_doc_took(struct ork_buf *b, int64_t from_ms, int64_t to_ms);
int ork_doc_open_run(ork_engine *e, const char *run_id, ork_id *id, struct ork_rows **out, ork_err *err) ORK_MUSTCHECK;
char *ork_log_unrecorded(ork_engine *e, const struct ork_rows *task); /* logs.c: of the task's last attempt,
                                                                       * which has no row; owned; NULL: none */
int ork_doc_open_task(ork_engine *e, const char *run_id, const char *task, struct ork_rows **out,
                      struct ork_rows **attempts, ork_err *err) ORK_MUSTCHECK;
int ork_doc_tasks(ork_engine *e, const ork_id *run, const char *statuses, int64_t after, int64_t limit,
                  struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
void ork_doc_task_members(const struct ork_rows *r, size_t i, struct ork_buf *out);
/* doc_items.c: of row i, a task: how many of its items stand where; nothing when it has none */
int ork_doc_items(ork_engine *e, const ork_id *run, const struct ork_rows *task, size_t i, struct ork_buf *out,
                  ork_err *err) ORK_MUSTCHECK;
int ork_doc_items_page(ork_engine *e, const ork_id *run, const char *name, const char *statuses, int64_t after,
                       int64_t limit, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
/* "clean/17" that never began, as a document; ENOTFOUND (err only set when the task has items): it is none */
int ork_doc_fresh_item(ork_engine *e, const ork_id *run, const char *name, struct ork_buf *out,
                       ork_err *err) ORK_MUSTCHECK;
/* doc_job.c: what tasks wait for. jobs: of the running ones of these rows; NULL none */
int ork_doc_jobs(ork_engine *e, const ork_id *run, const struct ork_rows *tasks, struct ork_rows **jobs,
                 ork_err *err) ORK_MUSTCHECK;
bool ork_doc_is_held(const struct ork_rows *jobs, const struct ork_rows *tasks, size_t row); /* does it wait for one? */
void ork_doc_waits(const struct ork_rows *jobs, const struct ork_rows *tasks, size_t row, struct ork_buf *out);
int ork_doc_decided(ork_engine *e, const struct ork_rows *task, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
bool ork_doc_why_waits(ork_engine *e, const ork_id *run, const struct ork_rows *tasks, size_t row, bool owned,
                       struct ork_buf *out, int64_t *until_ms); /* false: it does not only wait */
int ork_doc_approvals(ork_engine *e, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
int ork_doc_failing(ork_engine *e, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK; /* waits that get no answer */
int ork_doc_statuses(const json_t *v, bool of_tasks, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
#endif
