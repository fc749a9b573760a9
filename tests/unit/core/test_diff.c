/* SPDX-License-Identifier: MIT */
/* What differs between two texts and between two definitions. */
#include "base/alloc.h"
#include "core/lib_graph.h"
#include "core/textdiff.h"
#include "core/workflow.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_diff(const char *a, const char *b, const char *expected)
{
    struct ork_buf out = ORK_BUF_INIT;

    ork_text_diff(a, b, &out);
    assert_string_equal(out.data ? out.data : "", expected);
    ork_buf_fini(&out);
}

static void texts(void **state)
{
    (void)state;
    assert_diff("a\nb\n", "a\nb\n", "");
    assert_diff(NULL, NULL, "");
    assert_diff(NULL, "a\n", "@@ -0,0 +1,1 @@\n+a\n");
    assert_diff("a\nb", NULL, "@@ -1,2 +0,0 @@\n-a\n-b\n");
    assert_diff("a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
    assert_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n9\n",
                "@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n");
    /* two changes with six equal lines between them are one hunk, with seven two */
    assert_diff("a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
                "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n");
    assert_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
                "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n");
}

/* The hunks of random texts, applied to the one, give the other. */
static void apply(const char *a, const char *hunks, struct ork_buf *out)
{
    const char *p = a;
    size_t at = 1;

    while (*hunks) {
        size_t from, len;
        assert_int_equal(sscanf(hunks, "@@ -%zu,%zu", &from, &len), 2);
        for (from += len == 0; at < from; at++) {
            size_t n = strcspn(p, "\n") + 1;
            ork_buf_add(out, p, n);
            p += n;
        }
        hunks = strchr(hunks, '\n') + 1;
        while (*hunks && *hunks != '@') {
            size_t n = strcspn(hunks, "\n") + 1;
            if (*hunks != '-')
                ork_buf_add(out, hunks + 1, n - 1);
            if (*hunks != '+') {
                assert_memory_equal(p, hunks + 1, n - 1);
                p += n - 1;
                at++;
            }
            hunks += n;
        }
    }
    ork_buf_adds(out, p);
}

static void make(struct ork_buf *b, unsigned lines, unsigned kinds)
{
    ork_buf_clear(b);
    ork_buf_adds(b, "");
    for (unsigned i = 0; i < lines; i++)
        ork_buf_addf(b, "%d\n", rand() % (int)kinds);
}

static void random_texts(void **state)
{
    struct ork_buf a = ORK_BUF_INIT, b = ORK_BUF_INIT, hunks = ORK_BUF_INIT, got = ORK_BUF_INIT;

    (void)state;
    srand(7);
    for (unsigned i = 0; i < 400; i++) {
        unsigned kinds = 1 + i % 9, large = i % 100 == 0 ? 2500 : 30; /* 2500: beyond the bound */
        make(&a, (unsigned)rand() % large, kinds);
        make(&b, (unsigned)rand() % large, large > 30 ? 100000 : kinds);
        ork_buf_clear(&hunks);
        ork_buf_clear(&got);
        ork_buf_adds(&hunks, "");
        ork_buf_adds(&got, "");
        ork_text_diff(a.data, b.data, &hunks);
        apply(a.data, hunks.data, &got);
        assert_string_equal(got.data, b.data);
    }
    ork_buf_fini(&a);
    ork_buf_fini(&b);
    ork_buf_fini(&hunks);
    ork_buf_fini(&got);
}

/* ---- definitions ---- */

static ork_workflow *load(const char *tasks, const char *options, const char *source)
{
    ork_workflow *w;
    ork_err err;

    if (ork_workflow_load("w", tasks, strlen(tasks), options, source, NULL, &w, &err) != 0)
        fail_msg("%s", err.msg);
    return w;
}

#define TASK(no, name, depends, params, more)                                                                          \
    "{\"task_index\":" #no ",\"task_name\":\"" name "\",\"executor_type\":\"process\",\"depends_on\":[" depends        \
    "],\"params\":{" params ",\"max_retries\":0,\"timeout_seconds\":0}" more "}"

static void assert_definitions(ork_workflow *a, ork_workflow *b, const char *expected)
{
    char *out;
    ork_err err;

    if (ork_workflow_diff_json(a, b, &out, &err) != 0)
        fail_msg("%s", err.msg);
    assert_string_equal(out, expected);
    ork_free(out);
    ork_workflow_unref(a);
    ork_workflow_unref(b);
}

static void definitions(void **state)
{
    (void)state;
    const char *one =
        "[" TASK(0, "a", "", "\"command\":[\"x\"]", "") "," TASK(1, "b", "\"a\"", "\"command\":[\"y\"]", "") "]";
    assert_definitions(
        load(one, NULL, NULL), load(one, NULL, NULL),
        "{\"files\":[],\"modules\":[],\"options\":[],\"tasks\":{\"added\":[],\"changed\":[],\"moved\":false,"
        "\"removed\":[]}}");
    const char *two = "[" TASK(0, "c", "", "\"command\":[\"x\"]",
                               "") "," TASK(1, "b", "", "\"command\":[\"z\"],\"cwd\":\"/\",\"task_bindings\":{\"n\":1}",
                                            ",\"signature\":{\"input_type\":{\"n\":\"int\"}}") "]";
    assert_definitions(
        load(one, "{\"max_parallel\":2}",
             "{\"files\":{\"m.lua\":\"1\\n\",\"old.lua\":\"2\\n\"},\"main\":\"m.lua\",\"modules\":{\"x\":\"00\"}}"),
        load(two, "{\"max_parallel\":3,\"run_timeout_ms\":1000}",
             "{\"files\":{\"m.lua\":\"1\\n3\\n\"},\"main\":\"m.lua\",\"modules\":{\"x\":\"11\"}}"),
        "{\"files\":[{\"change\":\"changed\",\"diff\":\"@@ -1,1 +1,2 @@\\n 1\\n+3\\n\",\"path\":\"m.lua\"},"
        "{\"change\":\"removed\",\"diff\":\"@@ -1,1 +0,0 @@\\n-2\\n\",\"path\":\"old.lua\"}],\"modules\":[\"x\"],"
        "\"options\":[\"max_parallel\",\"run_timeout\"],\"tasks\":{\"added\":[\"c\"],\"changed\":[{\"keys\":["
        "\"command\",\"cwd\","
        "\"inputs\",\"input_type\",\"depends_on\"],\"name\":\"b\"}],\"moved\":false,\"removed\":[\"a\"]}}");
    const char *swapped =
        "[" TASK(0, "b", "\"a\"", "\"command\":[\"y\"]", "") "," TASK(1, "a", "", "\"command\":[\"x\"]", "") "]";
    assert_definitions(
        load(one, NULL, NULL), load(swapped, NULL, NULL),
        "{\"files\":[],\"modules\":[],\"options\":[],\"tasks\":{\"added\":[],\"changed\":[],\"moved\":true,"
        "\"removed\":[]}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(random_texts),
                                       cmocka_unit_test(definitions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
