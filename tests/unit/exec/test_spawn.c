/* SPDX-License-Identifier: MIT */
/* One attempt: what it is given, how it ends, what is told. */
#include "exec/lib_rig.h"
#include "base/alloc.h"
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void endings(void **state)
{
    static const struct {
        const char *command;
        int exit_code, signal;
    } cases[] = {{"true", 0, 0},        {"exit 7", 7, 0},          {"exit 255", 255, 0},
                 {"kill -9 $$", -1, 9}, {"kill -TERM $$", -1, 15}, {"kill -SEGV $$", -1, 11}};
    struct rig *r = *state;

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ork_exit *x;

        run_sh(r, i, cases[i].command);
        x = wait_exit(r, i);
        assert_int_equal(x->reason, ORK_EXIT_NORMAL);
        assert_int_equal(x->exit_code, cases[i].exit_code);
        assert_int_equal(x->signal, cases[i].signal);
        assert_true(x->pid > 1);
        assert_true(x->started_ms <= x->finished_ms);
    }
}

static void told_in_order(void **state)
{
    struct rig *r = *state;
    struct ork_attempt_key k = key_of(1);

    run_sh(r, 1, "echo hello; echo world >&2");
    wait_exit(r, 1);
    assert_int_equal(r->seen[0].what, SEEN_READY);
    assert_int_equal(strlen(r->seen[0].text), 36);
    assert_int_equal(r->seen[1].what, SEEN_CLAIMED);
    assert_int_equal(r->seen[2].what, SEEN_STARTED);
    assert_int_equal(r->seen[3].what, SEEN_EXITED);
    assert_int_equal(r->seen[2].pid, r->seen[3].x.pid);
    assert_int_equal(r->seen[3].x.log_bytes, 12);
    ork_agent_ack(r->agent, &k);
}

static void log_file(void **state)
{
    struct rig *r = *state;
    struct ork_spawn s = sh(r, 1, "echo out; echo err >&2; echo out again");
    ork_id run = id_of(1);
    char *text;
    struct stat st;

    s.log_path = rig_path(r, "logs/a/b/1.log"); /* folders are made */
    ork_agent_claim(r->agent, &run);
    ork_agent_spawn(r->agent, &s);
    wait_exit(r, 1);
    text = rig_read(s.log_path);
    assert_string_equal(text, "out\nerr\nout again\n");
    ork_free(text);
    assert_int_equal(stat(s.log_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* What the shell prints about itself. */
static char *output_of(struct rig *r, unsigned n, struct ork_spawn *s)
{
    ork_id run = id_of(1);

    ork_agent_claim(r->agent, &run);
    ork_agent_spawn(r->agent, s);
    assert_int_equal(wait_exit(r, n)->exit_code, 0);
    return rig_read(s->log_path);
}

static void environment(void **state)
{
    struct rig *r = *state;
    struct ork_spawn s = sh(
        r, 1, "echo \"$KEPT|$CHANGED|${GONE-unset}|$NEW|${ORK_SECRET-unset}|${DATABASE_URL-unset}|$ORK_ATTEMPT_KEY\"");
    char *env[] = {(char *)"CHANGED=task", (char *)"GONE", (char *)"NEW=a=b"}, *text;
    char wanted[128], *want = wanted;

    setenv("KEPT", "client", 1);
    setenv("CHANGED", "client", 1);
    setenv("GONE", "client", 1);
    setenv("ORK_SECRET", "x", 1);
    setenv("DATABASE_URL", "x", 1);
    s.env = env;
    s.envc = 3;
    text = output_of(r, 1, &s);
    want += sprintf(want, "client|task|unset|a=b|unset|unset|");
    for (size_t i = 0; i < sizeof s.key.task.b; i++)
        want += sprintf(want, "%02x", s.key.task.b[i]);
    sprintf(want, ".1\n");
    assert_string_equal(text, wanted);
    ork_free(text);
}

static void surroundings(void **state)
{
    struct rig *r = *state;
    struct ork_spawn s = sh(r, 1,
                            "pwd; umask; ulimit -n; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; awk "
                            "'/^Sig(Blk|Ign)/ {print $2}' /proc/self/status; "
                            "cat /proc/self/oom_score_adj; test $$ = $(cut -d' ' -f6 /proc/$$/stat) && echo leader");
    char want[512], *text;
    int adj = 0;
    FILE *f = fopen("/proc/self/oom_score_adj", "r");

    assert_int_equal(fscanf(f, "%d", &adj), 1);
    fclose(f);
    umask(027);
    text = output_of(r, 1, &s);
    umask(022);
    snprintf(want, sizeof want, "%s\n0027\n%ld\n4\n/dev/null\n0000000000000000\n0000000000000000\n%d\nleader\n", r->dir,
             sysconf(_SC_OPEN_MAX), adj + 300 > 1000 ? 1000 : adj + 300);
    assert_string_equal(text, want);
    ork_free(text);
}

static void make_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void looked_up_in_the_tasks_path(void **state)
{
    struct rig *r = *state;
    char path_env[256], *text, *argv[] = {(char *)"tool", (char *)"an argument"}, *env[] = {path_env};
    struct ork_spawn s = sh(r, 1, "");

    assert_int_equal(mkdir(rig_path(r, "no"), 0700), 0);
    assert_int_equal(mkdir(rig_path(r, "bin"), 0700), 0);
    make_file(rig_path(r, "no/tool"), "#!/bin/sh\necho wrong\n", 0600);
    make_file(rig_path(r, "bin/tool"), "echo \"tool: $1\"\n", 0700); /* no #!: run by sh */
    snprintf(path_env, sizeof path_env, "PATH=%s/none:%s/no:bin", r->dir, r->dir);
    s.argv = argv;
    s.argc = 2;
    s.env = env;
    s.envc = 1;
    text = output_of(r, 1, &s);
    assert_string_equal(text, "tool: an argument\n");
    ork_free(text);
}

static void cannot_start(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *program, *path, *cwd, *words;
    } cases[] = {
        {"foo", "PATH=/usr/bin:/bin", NULL, "cannot run `foo`: not found in PATH (/usr/bin:/bin)"},
        {"foo", "PATH", NULL, "cannot run `foo`: not found in PATH (/usr/local/bin:/usr/bin:/bin)"},
        {"", "A=b", NULL, "cannot run ``: not found in PATH"},
        {"foo", "PATH=/usr/bin:/opt/one/of/many/folders:/opt/another/of/them:/opt/the/last/of/them", NULL,
         "cannot run `foo`: not found in PATH (/usr/bin:/opt/one/of/many/folders:/opt/another/of/them:…)"},
        {"/no/such/thing", "A=b", NULL, "cannot run `/no/such/thing`: No such file or directory"},
        {"/bin", "A=b", NULL, "cannot run `/bin`: it is a directory"},
        {"./plain", "A=b", NULL, "`./plain` is not executable; chmod +x ./plain"},
        {"./lost", "A=b", NULL, "cannot run `./lost`: the interpreter in its first line does not exist"},
        {"plain", "PATH=.:/bin", NULL, "`plain` is not executable (found in PATH .:/bin)"},
        {"true", "A=b", "/no/such/folder", "cannot change to directory `/no/such/folder`: No such file or directory"},
    };
    ork_id run = id_of(1);

    make_file(rig_path(r, "plain"), "echo\n", 0600);
    make_file(rig_path(r, "lost"), "#!/no/such/interpreter\n", 0700);
    ork_agent_claim(r->agent, &run);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_spawn s = sh(r, i, "");
        char *argv[] = {(char *)cases[i].program}, *env[] = {(char *)cases[i].path};
        struct ork_attempt_key k = key_of(i);
        const struct seen *e;

        s.argv = argv;
        s.argc = 1;
        s.env = env;
        s.envc = 1;
        s.cwd = cases[i].cwd ? cases[i].cwd : r->dir;
        ork_agent_spawn(r->agent, &s);
        e = wait_for(r, SEEN_EXITED, &k);
        assert_int_equal(e->x.reason, ORK_EXIT_SPAWN);
        assert_int_equal(e->x.exit_code, -1);
        assert_true(strncmp(e->text, cases[i].words, strlen(cases[i].words)) == 0 ||
                    (print_error("%s\n", e->text), false));
    }
    assert_int_equal(count_seen(r, SEEN_STARTED), 0);
}

static void too_long(void **state)
{
    static const size_t sizes[] = {200 * 1024, 3 << 20, 20 << 20};
    struct rig *r = *state;
    ork_id run = id_of(1);

    ork_agent_claim(r->agent, &run);
    for (unsigned i = 0; i < 3; i++) {
        struct ork_spawn s = sh(r, i, "");
        struct ork_attempt_key k = key_of(i);
        char *big = ork_alloc(sizes[i] + 1), *argv[] = {(char *)"echo", big};

        memset(big, 'x', sizes[i]);
        big[sizes[i]] = 0;
        s.argv = argv;
        s.argc = 2;
        ork_agent_spawn(r->agent, &s);
        ork_free(big);
        assert_string_equal(wait_for(r, SEEN_EXITED, &k)->text,
                            "cannot run `echo`: its arguments and environment are too long for the system");
    }
    assert_int_equal(count_seen(r, SEEN_READY), 1);
}

static void bad_log_path(void **state)
{
    struct rig *r = *state;
    struct ork_spawn s = sh(r, 1, "true");
    ork_id run = id_of(1);
    struct ork_attempt_key k = key_of(1);

    make_file(rig_path(r, "file"), "", 0600);
    s.log_path = rig_path(r, "file/1.log");
    ork_agent_claim(r->agent, &run);
    ork_agent_spawn(r->agent, &s);
    assert_non_null(strstr(wait_for(r, SEEN_EXITED, &k)->text, "cannot open the log file `"));
}

static void measured(void **state)
{
    struct rig *r = *state;
    const struct ork_exit *x;

    run_sh(r, 1, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    x = wait_exit(r, 1);
    assert_true(x->user_ms + x->system_ms > 0);
    assert_true(x->max_rss_kb > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(endings, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(told_in_order, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(log_file, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(environment, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(surroundings, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(looked_up_in_the_tasks_path, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(cannot_start, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(too_long, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(bad_log_path, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(measured, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
