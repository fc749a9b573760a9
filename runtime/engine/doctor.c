/* SPDX-License-Identifier: MIT */
/* What Ork stands on, looked at piece by piece: each check says what it found, and where something is wrong what to do.
 * Nothing is believed from version numbers that can be tried instead: locks are taken, a file is changed and the notice
 * awaited, a process is started through the agent and has to leave nothing behind.
 *
 * A check never ends the others; one that needs what an earlier one found missing says nothing. */
#include "engine/doctor.h"
#include "base/alloc.h"
#include "base/err.h"
#include "exec/agent/proto.h"
#include "store/store.h"
#include <ftw.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

void ork_doctor_add(struct ork_doctor *d, enum ork_finding state, const char *name, const char *hint, const char *fmt,
                    ...)
{
    static const char *const states[] = {"ok", "warning", "problem"};
    struct ork_buf *b = &d->checks;
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ork_buf_addf(b, "%s{\"name\":\"%s\",\"state\":\"%s\",\"text\":", b->len ? "," : "", name, states[state]);
    ork_buf_json(b, text, strlen(text));
    ork_buf_adds(b, ",\"hint\":");
    if (hint)
        ork_buf_json(b, hint, strlen(hint));
    else
        ork_buf_adds(b, "null");
    ork_buf_addc(b, '}');
    d->problem |= state == ORK_FINDING_PROBLEM;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

int ork_doctor_json(const struct ork_engine_opts *opts, char **out, ork_err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct ork_doctor d = {.opts = opts, .jobs = opts->jobs ? opts->jobs : (uint32_t)(cores > 0 ? 2 * cores : 4)};
    struct ork_buf b = ORK_BUF_INIT;

    (void)err;
    ork_doctor_system(&d);
    ork_doctor_limits(&d);
    ork_doctor_data(&d);
    ork_doctor_place(&d);
    ork_doctor_agent(&d);
    if (d.room)
        (void)nftw(d.room, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    ork_buf_addf(&b, "{\"ok\":%s,\"checks\":[%s]}", d.problem ? "false" : "true", d.checks.data);
    ork_buf_fini(&d.checks);
    ork_free(d.data_dir);
    ork_free(d.room);
    *out = ork_buf_steal(&b, NULL);
    return 0;
}

int ork_versions_json(char **out, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;

    (void)err;
    ork_buf_addf(&b,
                 "{\"version\":\"%s\",\"agent_protocol\":%d,\"schema\":%d,\"sqlite\":\"%s\",\"libuv\":\"%s\","
                 "\"jansson\":\"%s\"}",
                 ork_version(), ORK_PROTO, ork_store_schema(), ork_store_library(), uv_version_string(),
                 jansson_version_str());
    *out = ork_buf_steal(&b, NULL);
    return 0;
}
