/* SPDX-License-Identifier: MIT */
#include "lib_script.h"
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ork_workflow *scripted(const char *text)
{
    ork_workflow *f = flow("w", NULL);
    size_t size = strlen(text) + 200;
    char *whole = malloc(size), *json;
    ork_err err;

    (void)snprintf(whole, size, "local ork = require 'ork'\nlocal w = ork.workflow('w')\n%s\nreturn w\n", text);
    json_t *source = json_pack("{s:s,s:{s:s}}", "main", "w.lua", "files", "w.lua", whole);
    json = json_dumps(source, JSON_COMPACT);
    if (ork_workflow_source(f, json, strlen(json), NULL, &err) != 0)
        fail_msg("source: %s", err.msg);
    json_decref(source);
    free(json);
    free(whole);
    return f;
}

uint32_t called_with(ork_workflow *f, struct ork_task_spec spec, const char *deps)
{
    spec.executor = ORK_EXEC_LUA;
    if (!spec.params)
        spec.params = "{}";
    return task_with(f, spec, deps);
}

uint32_t called(ork_workflow *f, const char *name, const char *deps)
{
    return called_with(f, (struct ork_task_spec){.name = name}, deps);
}

static bool is_worker(int pid)
{
    char path[64], line[256] = "";

    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;
    if (f)
        (void)fclose(f);
    size_t first = strlen(line) + 1;
    return n > first && strcmp(line + first, "worker") == 0;
}

unsigned workers(int nth)
{
    char path[64];
    unsigned n = 0;
    int pid;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    FILE *f = fopen(path, "re");
    while (f && fscanf(f, "%d", &pid) == 1) {
        if (!is_worker(pid))
            continue;
        if ((int)n++ == nth)
            (void)kill(pid, SIGKILL);
    }
    if (f)
        (void)fclose(f);
    return n;
}
