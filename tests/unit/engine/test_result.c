/* SPDX-License-Identifier: MIT */
/* What a task leaves behind: its output by file or line, whatever else it prints, and the end of its log. */
#include "engine/lib_engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TYPE(t) "{\"output_type\":" t "}"
#define ROWS TYPE("{\"rows\":[{\"n\":\"int\"}]}")

/* The JSON of a task that runs a shell script. */
static char *shell(const char *script)
{
    static char text[8192];
    size_t n = (size_t)snprintf(text, sizeof(text), "{\"command\":[\"/bin/sh\",\"-c\",\"");

    for (const char *p = script; *p; p++) {
        if (*p == '"' || *p == '\\')
            text[n++] = '\\';
        text[n++] = *p;
        assert_true(n < sizeof(text) - 8);
    }
    strcpy(text + n, "\"]}");
    return text;
}

/* Runs one task that is this script; its row is what the test looks at. */
static void run_script(struct world *w, const char *script, const char *signature)
{
    ork_workflow *f = flow("script", NULL);

    task_with(f, (struct ork_task_spec){.name = "a", .params = shell(script), .signature = signature}, NULL);
    (void)run_to_end(w, f, NULL);
    ork_workflow_unref(f);
}

/* The newest task: "status kind output". */
static void assert_ended(struct world *w, const char *expected)
{
    assert_query(w,
                 "SELECT status || ' ' || coalesce(kind, '-') || ' ' || coalesce(output, '-') FROM tasks "
                 "ORDER BY id DESC LIMIT 1",
                 expected);
}

static void assert_error(struct world *w, const char *part)
{
    char *error = query(w, "SELECT error FROM tasks ORDER BY id DESC LIMIT 1");

    if (!strstr(error, part))
        fail_msg("the error is\n  %s\nwithout\n  %s", error, part);
    free(error);
}

static void only_exit_0_is_success(void **state)
{
    struct world *w = *state;

    run_script(w, "echo '{\"a\":1}' >$ORK_OUTPUT_FILE; echo 'ORK_OUTPUT:{\"a\":2}'; exit 3", NULL);
    assert_ended(w, "failed exit -");
    run_script(w, "echo 'ORK_OUTPUT:{\"a\":2}'; kill -9 $$", NULL);
    assert_ended(w, "failed signal -");
    assert_error(w, "ended by signal 9 (SIGKILL)");
    run_script(w, "echo 'ORK_OUTPUT:{broken'; exit 3", NULL);
    assert_ended(w, "failed exit -"); /* what a failed attempt prints is not judged */
    run_script(w, "echo '{\"a\":1}' >$ORK_OUTPUT_FILE; exit 0", NULL);
    assert_ended(w, "success - {\"a\":1}");
}

static void malformed_too_large_wrong_type(void **state)
{
    static const struct {
        const char *script, *signature, *error;
    } cases[] = {
        {"echo 'ORK_OUTPUT:{\"a\":1'", NULL, "the ORK_OUTPUT: line"},
        {"echo '{\"a\":1,}' >$ORK_OUTPUT_FILE", NULL, "$ORK_OUTPUT_FILE"},
        {"echo 'ORK_OUTPUT:'", NULL, "the ORK_OUTPUT: line"},
        {"echo 'ORK_OUTPUT:{} {}'", NULL, "the ORK_OUTPUT: line"},
        {"echo 'ORK_OUTPUT:{\"a\":\"\\u0000\"}'", NULL, "the ORK_OUTPUT: line"},
        {"echo 'ORK_OUTPUT:{\"a\":\"\\ud800\"}'", NULL, "the ORK_OUTPUT: line"},
        {"echo 'ORK_OUTPUT:{\"a\":9223372036854775808}'", NULL, "the ORK_OUTPUT: line"},
        {"echo 'ORK_OUTPUT:{\"a\":1e999}'", NULL, "the ORK_OUTPUT: line"},
        {"echo 'ORK_OUTPUT:{\"a\":1,\"a\":2}'", NULL, "the ORK_OUTPUT: line"},
        {"printf 'ORK_OUTPUT:{\"a\":\"\\377\"}\\n'", NULL, "the ORK_OUTPUT: line"},
        {"printf '{\"a\":\"\\377\"}' >$ORK_OUTPUT_FILE", NULL, "$ORK_OUTPUT_FILE"},
        {"printf 'ORK_OUTPUT:{}\\0\\n'", NULL, "the ORK_OUTPUT: line"},
        {"truncate -s 16777217 $ORK_OUTPUT_FILE", NULL, "at most 16777216 are stored"},
        {"printf ORK_OUTPUT:; head -c 1100000 /dev/zero | tr '\\0' 9; echo", NULL, "at most 1048576 are stored"},
        {"echo 'ORK_OUTPUT:{\"rows\":[{\"n\":1},{\"n\":\"x\"}]}'", ROWS, "output.rows[2].n"},
        {"echo '{\"rows\":7}' >$ORK_OUTPUT_FILE", ROWS, "output.rows"},
        {"true", ROWS, "it declares an output_type but gave no output"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        run_script(w, cases[i].script, cases[i].signature);
        assert_ended(w, "failed output -");
        assert_error(w, cases[i].error);
    }
    assert_query(w, "SELECT count(DISTINCT exit_code) || min(exit_code) FROM task_attempts", "10");
}

/* "output" as far as it matters: its length where it is long. */
static void assert_length(struct world *w, const char *expected)
{
    assert_query(w, "SELECT status || ' ' || coalesce(length(output), 0) FROM tasks ORDER BY id DESC LIMIT 1",
                 expected);
}

#define LINE(bytes) "printf 'ORK_OUTPUT:\"'; head -c " #bytes " /dev/zero | tr '\\0' x; echo '\"'; "
#define CHATTER(bytes) "yes chatter | head -c " #bytes "; "

static void long_lines_and_chatter(void **state)
{
    struct world *w = *state;

    run_script(w, LINE(200000), NULL);
    assert_length(w, "success 200002");
    run_script(w, LINE(1048574), NULL); /* with its quotes exactly what is stored */
    assert_length(w, "success 1048576");
    run_script(w, CHATTER(3000000) LINE(200000) CHATTER(70000), NULL);
    assert_length(w, "success 200002");
    run_script(w, LINE(100) CHATTER(2000000), NULL);
    assert_length(w, "success 102");
    run_script(w, LINE(100) CHATTER(3000000), NULL); /* out of the last 2 MiB */
    assert_length(w, "success 0");
    run_script(w, LINE(100) CHATTER(3000000), TYPE("\"str\""));
    assert_ended(w, "failed output -");
    run_script(w, "echo '\"by file\"' >$ORK_OUTPUT_FILE; " LINE(100) CHATTER(3000000), TYPE("\"str\""));
    assert_ended(w, "success - \"by file\"");
}

/* stdout and stderr share one file: what one writes can land in a half-written line of the other. */
static void a_torn_line_is_no_output(void **state)
{
    struct world *w = *state;

    run_script(w, "printf ORK_OUT; echo warning >&2; echo 'PUT:{\"a\":1}'", NULL);
    assert_ended(w, "success - -");
    run_script(w, "printf progress; echo 'ORK_OUTPUT:{\"a\":1}'", NULL);
    assert_ended(w, "success - -");
    run_script(w,
               "echo '{\"a\":1}' >$ORK_OUTPUT_FILE; printf ORK_OUT; echo warning >&2; echo 'PUT:{\"a\":2}'; echo "
               "'ORK_OUTPUT:{\"a\":3}'",
               NULL);
    assert_ended(w, "success - {\"a\":1}"); /* hence the file */
}

static void the_last_line_counts(void **state)
{
    struct world *w = *state;

    run_script(w, "echo 'ORK_OUTPUT:{\"a\":1}'; echo between; echo 'ORK_OUTPUT:{\"a\":2}' >&2; echo after", NULL);
    assert_ended(w, "success - {\"a\":2}");
    run_script(w, "printf 'ORK_OUTPUT: {\"a\" : 2 } \\r\\n'", NULL);
    assert_ended(w, "success - {\"a\":2}");
    run_script(w, "printf 'ORK_OUTPUT:{\"a\":3}'", NULL); /* its newline never came */
    assert_ended(w, "success - {\"a\":3}");
    run_script(w, ": >$ORK_OUTPUT_FILE; echo 'ORK_OUTPUT:{\"a\":4}'", NULL); /* an empty file is none */
    assert_ended(w, "success - {\"a\":4}");
}

static void marked_line_among_other_bytes(void **state)
{
    struct world *w = *state;
    char *path, *text, raw[64];
    struct ork_started s;
    int64_t size;
    size_t len;
    bool tail;
    ork_err err;
    ork_workflow *f = flow("bytes", NULL);

    task(f, "a", shell("printf 'x\\377\\0\\376y\\n'; echo 'ORK_OUTPUT:{\"a\":\"é\"}'; printf '\\200\\n'"), NULL);
    seal(f);
    s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_ended(w, "success - {\"a\":\"é\"}");
    assert_query(w, "SELECT logs FROM tasks",
                 "x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy\nORK_OUTPUT:{\"a\":\"é\"}\n"
                 "\xEF\xBF\xBD\n");
    if (ork_log_read(w->engine, s.run_id, "a", 0, 0, 6, &text, &len, &size, &tail, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(len, 6);
    assert_false(tail);
    assert_memory_equal(text, "x\377\0\376y\n", 6); /* the file has them as they were */
    ork_free(text);
    assert_int_equal(ork_log_path(w->engine, s.run_id, "a", 0, &path, &err), 0);
    (void)snprintf(raw, sizeof(raw), "%lld", (long long)size);
    assert_query(w, "SELECT log_bytes FROM task_attempts", raw);
    ork_free(path);
    ork_workflow_unref(f);
}

/* The database keeps the end of a log: more after a failure. */
static void tails_are_bounded(void **state)
{
    struct world *w = *state;

    run_script(w, CHATTER(3000000) "echo; echo end", NULL);
    assert_query(w, "SELECT length(logs) || substr(logs, -5) FROM tasks ORDER BY id DESC LIMIT 1", "4096\nend\n");
    run_script(w, CHATTER(3000000) "echo; echo end; exit 1", NULL);
    assert_query(w, "SELECT length(logs) || substr(logs, -5) FROM tasks ORDER BY id DESC LIMIT 1", "65536\nend\n");
    run_script(w, "i=0; while [ $i -lt 3000 ]; do echo ééééé; i=$((i+1)); done", NULL); /* not cut in a character */
    assert_query(w, "SELECT length(CAST(logs AS BLOB)) || instr(logs, char(65533)) FROM tasks ORDER BY id DESC LIMIT 1",
                 "40950");
    run_script(w, "true", NULL);
    assert_query(w, "SELECT coalesce(logs, 'none') FROM tasks ORDER BY id DESC LIMIT 1", "none");
}

static void files_go_with_the_end(void **state)
{
    struct world *w = *state;

    run_script(w, "echo '{\"a\":1}' >$ORK_OUTPUT_FILE", NULL);
    until_query(w, "SELECT status FROM runs", "success");
    world_reopen(w);
    assert_int_equal(system("ls logs/*/*.out logs/*/0.1.in 2>/dev/null | grep -q ."), 256);
    assert_int_equal(system("test \"$(stat -c %a logs/*/0.1.log)\" = 600"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_exit_0_is_success, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(malformed_too_large_wrong_type, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(long_lines_and_chatter, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_torn_line_is_no_output, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_last_line_counts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(marked_line_among_other_bytes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(tails_are_bounded, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(files_go_with_the_end, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
