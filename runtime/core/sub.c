/* SPDX-License-Identifier: MIT */
/* Workflows that tasks of another one run. Their definitions are part of its options, so that whoever has the snapshot
 * of a run has all that its runs will need:
 *
 *   options.workflows = {NAME: {"tasks": [as in a snapshot], "options": {… and so on …}}}
 *
 * The sources are those of the whole: functions of an inner workflow are found in the same script. Read alone, one of
 * them has the content, and so the hash, that it has when it is run by itself. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/workflow_priv.h"
#include <string.h>

int ork_workflow_sub(const ork_workflow *w, const char *name, ork_workflow **out, ork_err *err)
{
    json_t *options = NULL;
    char *tasks = NULL, *own = NULL;
    size_t n = 0, own_n = 0;
    int rc = ork_json_parse(w->options, strlen(w->options), &options, err);

    const json_t *found = rc ? NULL : json_object_get(json_object_get(options, "workflows"), name);
    if (!rc && !json_is_object(found))
        rc =
            ork_err_set(err, ORK_ECORRUPT, "the definition of workflow `%s` does not hold that of `%s`", w->name, name);
    if (!rc)
        rc = ork_json_text(json_object_get(found, "tasks"), &tasks, &n, err);
    if (!rc)
        rc = ork_json_text(json_object_get(found, "options"), &own, &own_n, err);
    if (!rc)
        rc = ork_workflow_load(name, tasks, n, own, w->source, w->dir, out, err);
    ork_free(tasks);
    ork_free(own);
    json_decref(options);
    return rc;
}
