/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/err.h"
#include "core/lib_json.h"
#include "core/params.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define NOW INT64_C(1793498523456) /* 2026-11-01T02:02:03.456Z */
#define AT_NOW ((struct ork_moment){.ms = NOW})

static void collect(void *data, const char *code, uint32_t task, const char *text)
{
    assert_int_equal(task, UINT32_MAX);
    ork_buf_addf(data, "%s: %s\n", code, text);
}

static const char schema[] = "{'day':{'type':'date','default':{'date':{'offset_ms':-86400000}}},"
                             "'full':{'type':'bool','default':false},"
                             "'n':{'type':'int','min':1,'max':10,'default':3},"
                             "'region':{'type':'str','choices':['eu','us']},"
                             "'note':{'type':'str?'},"
                             "'parts':{'type':['int'],'default':{'const':[1]}},"
                             "'since':{'type':'datetime_utc?','min':'2026-01-01T00:00:00Z'}}";

static void test_complete(void **state)
{
    (void)state;
    static const struct {
        const char *given, *texts, *result; /* "!…": all problems, in order */
    } cases[] = {
        {"{'region':'eu'}", NULL,
         "{\"day\":\"2026-10-31\",\"full\":false,\"n\":3,\"note\":null,\"parts\":[1],\"region\":\"eu\",\"since\":"
         "null}"},
        {"{'region':'eu','n':10.0,'parts':{}}", NULL,
         "{\"day\":\"2026-10-31\",\"full\":false,\"n\":10,\"note\":null,\"parts\":[],\"region\":\"eu\",\"since\":"
         "null}"},
        {NULL, "{'region':'us','day':'-3d','full':'true','n':'7','note':'null','parts':'[2]','since':'yesterday'}",
         "{\"day\":\"2026-10-29\",\"full\":true,\"n\":7,\"note\":\"null\",\"parts\":[2],\"region\":\"us\",\"since\":"
         "\"2026-10-31T00:00:00.000Z\"}"},
        {"{'region':'eu','n':2}", "{'n':'4'}",
         "{\"day\":\"2026-10-31\",\"full\":false,\"n\":4,\"note\":null,\"parts\":[1],\"region\":\"eu\",\"since\":"
         "null}"},
        {NULL, NULL, "!param_missing: params.region: missing, wanted str; it has no default\n"},
        {"{'region':'ue','dya':1}", "{'n':'11','full':'perhaps','day':'someday'}",
         "!param_unknown: no param `dya`; did you mean `day`?\n"
         "param_type: params.day: wanted date (such as 2026-11-01, today, yesterday, tomorrow, -3d), got \"someday\"\n"
         "param_type: params.full: wanted bool (true or false), got \"perhaps\"\n"
         "param_range: params.n: wanted at most 10, got 11\n"
         "param_choice: params.region: wanted one of \"eu\", \"us\", got \"ue\"; did you mean `eu`?\n"},
        {"{'region':'eu','n':0,'parts':[1,'x'],'since':'2025-12-31T23:59:59Z','note':5}", NULL,
         "!param_range: params.n: wanted at least 1, got 0\n"
         "param_type: params.note: wanted str?, got 5\n"
         "param_type: params.parts[2]: wanted int, got \"x\"\n"
         "param_range: params.since: wanted at least \"2026-01-01T00:00:00Z\", got \"2025-12-31T23:59:59Z\"\n"},
        {"{'region':'eu','quite_other_name':1}", NULL,
         "!param_unknown: no param `quite_other_name`; there are day, full, n, region, note, parts, since\n"},
        {"{'region':'eu'}", "{'n':5}", "!param_type: params.n: a text was announced, got integer\n"},
        {NULL, "{'region':'eu','parts':'[1,true]'}", "!param_type: params.parts[2]: wanted int, got true\n"},
        {NULL, "{'region':'eu','parts':'1,2'}",
         "!param_type: params.parts: wanted [int] as JSON, such as '[1, 2]', got \"1,2\"\n"},
        {"{'region':null}", NULL,
         "!param_type: params.region: wanted str, got null; an optional type takes null: \"T?\"\n"},
    };
    json_t *all = tree(schema);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *given = cases[i].given ? tree(cases[i].given) : NULL,
               *texts = cases[i].texts ? tree(cases[i].texts) : NULL;
        json_t *out = NULL;
        struct ork_buf problems = ORK_BUF_INIT;
        ork_err err = {0};
        int rc = ork_params_complete(all, given, texts, AT_NOW, collect, &problems, &out, &err);
        if (*cases[i].result == '!') {
            assert_int_equal(rc, ORK_EINVAL);
            assert_null(out);
            assert_string_equal(problems.data, cases[i].result + 1);
            assert_int_equal(err.code, ORK_EINVAL);
            assert_int_equal(ork_params_complete(all, given, texts, AT_NOW, NULL, NULL, &out, NULL), ORK_EINVAL);
        } else {
            if (rc < 0)
                fail_msg("case %zu: %s", i, err.msg);
            assert_null(problems.data);
            assert_string_equal(text_of(out), cases[i].result);
        }
        json_decref(out);
        json_decref(given);
        json_decref(texts);
        ork_buf_fini(&problems);
    }
    json_decref(all);
}

static void test_none(void **state)
{
    (void)state;
    json_t *given = tree("{'x':1}"), *out = NULL;
    ork_err err;

    assert_int_equal(ork_params_complete(NULL, NULL, NULL, AT_NOW, NULL, NULL, &out, &err), 0);
    assert_string_equal(text_of(out), "{}");
    json_decref(out);
    assert_int_equal(ork_params_complete(NULL, given, NULL, AT_NOW, NULL, NULL, &out, &err), ORK_EINVAL);
    assert_string_equal(err.msg, "no param `x`; the workflow has none");
    json_t *list = json_array();
    assert_int_equal(ork_params_complete(NULL, list, NULL, AT_NOW, NULL, NULL, &out, &err), ORK_EINVAL);
    json_decref(list);
    json_decref(given);
}

/* A date default without a format takes the form its type wants. */
static void test_time_defaults(void **state)
{
    (void)state;
    json_t *all = tree("{'a':{'type':'date','default':{'date':{}}},'b':{'type':'datetime_utc','default':{'date':{}}},"
                       "'c':{'type':'datetime_notz','default':{'date':{'offset_ms':1000}}},'d':{'type':'datetime_tz?','"
                       "default':{'date':{}}},"
                       "'e':{'type':'str','default':{'date':{'format':'%Y/"
                       "%m'}}},'f':{'type':'date','min':{'date':{'offset_ms':-86400000}},'default':'2026-10-31'}}");
    json_t *out = NULL, *texts = tree("{'f':'-3d'}");
    ork_err err;

    assert_int_equal(ork_params_check(all, NULL, NULL), 0);
    assert_int_equal(ork_params_complete(all, NULL, NULL, AT_NOW, NULL, NULL, &out, &err), 0);
    assert_string_equal(text_of(out),
                        "{\"a\":\"2026-11-01\",\"b\":\"2026-11-01T02:02:03Z\",\"c\":\"2026-11-01T02:02:04\","
                        "\"d\":\"2026-11-01T02:02:03Z\",\"e\":\"2026/11\",\"f\":\"2026-10-31\"}");
    json_decref(out);
    out = NULL;
    assert_int_equal(ork_params_complete(all, NULL, texts, AT_NOW, NULL, NULL, &out, &err), ORK_EINVAL);
    assert_contains(err.msg, "params.f: wanted at least \"2026-10-31\", got \"2026-10-29\"");
    json_decref(texts);
    json_decref(all);
}

static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *problems;
    } cases[] = {
        {"{'a':{'type':'int'},'b':'str?','c':['date']}", NULL},
        {"{'a':{'type':'integer'}}", "params.a: unknown type \"integer\"; write `int`"},
        {"{'a':{'default':1}}", "params.a: it has no type"},
        {"{'a':{'type':'int','defualt':1}}", "params.a: unknown key `defualt`; did you mean `default`?"},
        {"{'a':{'type':'int','default':'x'}}", "params.a: default: wanted int, got \"x\""},
        {"{'a':{'type':'int','default':{'ref':'params.b'}}}",
         "params.a: default: it may depend on the time of the run (ork.date) and on nothing else"},
        {"{'a':{'type':'int','default':{'secret':'X'}}}", "params.a: default: the secret `X` may be used only in env"},
        {"{'a':{'type':'int','choices':[]}}", "params.a: choices is a list of values"},
        {"{'a':{'type':'int','choices':[1,'x']}}", "params.a: choices[2]: wanted int, got \"x\""},
        {"{'a':{'type':'int','choices':[1,2],'default':3}}", "params.a: wanted one of 1, 2, got 3"},
        {"{'a':{'type':'int','min':5,'max':1}}", "params.a: min is above max: no value fits"},
        {"{'a':{'type':'int','min':5,'default':4}}", "params.a: wanted at least 5, got 4"},
        {"{'a':{'type':'int','min':'x'}}", "params.a: min: wanted int, got \"x\""},
        {"{'a':{'type':'str','min':1}}", "params.a: min and max are for numbers and dates, not for str"},
        {"{'a':{'type':'int','required':true,'default':1}}",
         "params.a: it has a default, so it is never required; leave one of them out"},
        {"{'a':{'type':'int','required':'yes'}}", "params.a: required is true or false, not string"},
        {"{'a':{'type':'int','description':5}}", "params.a: description is a text, not integer"},
        {"{'a':5}", "params.a: not a type: 5"},
        {"[]", "params: a table of names and types is wanted, not list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_buf problems = ORK_BUF_INIT;
        json_t *s = tree(cases[i].schema);
        size_t n = ork_params_check(s, collect, &problems);
        assert_int_equal(n, cases[i].problems ? 1 : 0);
        if (cases[i].problems) {
            assert_contains(problems.data, "param_schema: ");
            assert_contains(problems.data, cases[i].problems);
        }
        ork_buf_fini(&problems);
        json_decref(s);
    }
    assert_int_equal(ork_params_check(NULL, NULL, NULL), 0);
}

/* A schema read back from a damaged database: the script is at fault, not the values, and nothing crashes. */
static void test_bad_schema(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "{'a':{'type':'x'}}",
        "{'a':{}}",
        "{'a':7}",
        "{'a':null}",
        "{'a':{'type':'int','default':{'ref':5}}}",
        "{'a':{'type':'int','default':1,'min':{}}}",
        "{'a':{'type':'int','default':'x'}}",
    };
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        json_t *s = tree(schemas[i]), *out = NULL;
        ork_err err = {0};
        int rc = ork_params_complete(s, NULL, NULL, AT_NOW, NULL, NULL, &out, &err);
        if (rc != ORK_EDEF)
            fail_msg("%s: %d %s", schemas[i], rc, err.msg);
        json_decref(s);
    }
}

static void test_workflow(void **state)
{
    (void)state;
    struct ork_buf options = ORK_BUF_INIT, problems = ORK_BUF_INIT;
    json_t *all = json_pack("{s:o}", "params", tree(schema));
    ork_workflow *w = NULL;
    ork_err err;
    char *out = NULL;

    assert_int_equal(ork_json_write(all, &options, &err), 0);
    assert_int_equal(ork_workflow_new("etl", &w, &err), 0);
    assert_int_equal(ork_workflow_options(w, options.data, options.len, &err), 0);
    if (ork_workflow_params_at(w, "{\"full\":true}", "{\"region\":\"eu\"}", AT_NOW, collect, &problems, &out, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(
        out,
        "{\"day\":\"2026-10-31\",\"full\":true,\"n\":3,\"note\":null,\"parts\":[1],\"region\":\"eu\",\"since\":null}");
    ork_free(out);
    out = NULL;
    assert_int_equal(ork_workflow_params_at(w, "{\"full\":1,\"x\":2}", NULL, AT_NOW, collect, &problems, &out, &err),
                     ORK_EINVAL);
    assert_contains(err.msg, "3 mistakes in the params; the first: no param `x`");
    assert_contains(problems.data, "param_missing: params.region");
    assert_null(out);
    assert_int_equal(ork_workflow_params_at(w, "{", NULL, AT_NOW, NULL, NULL, &out, &err), ORK_EJSON);
    assert_int_equal(ork_workflow_params_at(w, "[]", NULL, AT_NOW, NULL, NULL, &out, &err), ORK_EINVAL);
    ork_workflow_unref(w);
    json_decref(all);
    ork_buf_fini(&options);
    ork_buf_fini(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete), cmocka_unit_test(test_none),       cmocka_unit_test(test_time_defaults),
        cmocka_unit_test(test_check),    cmocka_unit_test(test_bad_schema), cmocka_unit_test(test_workflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
