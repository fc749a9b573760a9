/* SPDX-License-Identifier: MIT */
/* A job of another service, as a task's output names it, and what its service's answer means. Pure.
 *
 * {"service_type":"custom_http","job_id":TEXT,"url":TEXT,"method":"GET","headers":{NAME:EXPR},
 *  "status_field":"status","success_value":"success","failure_value":TEXT}
 *
 * An EXPR of a header is a text, {"secret":NAME} or {"text":[…]} of such, as in a task's env. */
#ifndef ORK_CORE_REMOTE_H
#define ORK_CORE_REMOTE_H
#include "base/json.h"
#include "core/mask.h"

#define ORK_REMOTE_MOST 1000     /* jobs of one attempt */
#define ORK_REMOTE_FIRST_MS 1000 /* between two questions: doubled from here … */
#define ORK_REMOTE_LAST_MS 60000 /* … up to here */

struct ork_remote_def {
    char *job_id;                                                /* owned */
    json_t *data;                                                /* owned: the object */
    const char *url, *method, *status_field, *success, *failure; /* borrowed from data; failure NULL: none */
};
/* The list in {"deferred":[…]}; NULL: it is an output like any other. Borrowed. */
const json_t *ork_remote_list(const json_t *output);
/* EINVAL: what is wrong with it; "deferred[2]: …" */
int ork_remote_read(struct ork_remote_def *d, const json_t *job, size_t index, ork_err *err) ORK_MUSTCHECK;
void ork_remote_def_fini(struct ork_remote_def *d);

enum ork_remote_says { ORK_REMOTE_RUNNING, ORK_REMOTE_COMPLETED, ORK_REMOTE_BROKE, ORK_REMOTE_NO_ANSWER };
/* *why: of RUNNING, BROKE and NO_ANSWER; its words are masked, then cut. *body: the parsed answer, new, or NULL. It is
 * not masked, as it is what the job's own words are compared with. */
enum ork_remote_says ork_remote_judge(const struct ork_remote_def *d, int status, const char *answer, size_t len,
                                      const struct ork_mask *mask, json_t **body, struct ork_buf *why);
/* How long to wait after that many questions; random: any number, so that not all ask at once (a fifth more or less).
 */
int64_t ork_remote_delay(uint32_t asked, uint64_t random);
#endif
