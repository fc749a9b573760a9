/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/err.h"
#include "core/expr.h"
#include "core/lib_json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static const char world[] =
    "{'params':{'day':'2026-11-01','n':12.0,'none':null,'list':['a b',2,true]},"
    "'input':{'part':'p 1','deep':{'x':{'y':7}}},'this':{'run_id':'r1','attempt':3},"
    "'output':{'extract':{'rows':12,'ratio':0.5,'parts':['a','b'],'o':{'k':1},'nul':null,'flag':false},"
    "          'A.B':{'x':1},'my-task':{'x':2},'text':'plain'},"
    "'status':{'extract':'success','late':'skipped'},'secret':{'KEY':'s3cret'}}";

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *value;
    } cases[] = {
        {"{'const':{'ref':'params.day'}}", "{\"ref\":\"params.day\"}"},
        {"{'const':null}", "null"},
        {"'plain'", "\"plain\""},
        {"5", "5"},
        {"{'ref':'params.day'}", "\"2026-11-01\""},
        {"{'ref':'params'}", "{\"day\":\"2026-11-01\",\"list\":[\"a b\",2,true],\"n\":12.0,\"none\":null}"},
        {"{'ref':'input.deep.x.y'}", "7"},
        {"{'ref':'this.attempt'}", "3"},
        {"{'ref':'tasks.extract.output'}",
         "{\"flag\":false,\"nul\":null,\"o\":{\"k\":1},\"parts\":[\"a\",\"b\"],\"ratio\":0.5,\"rows\":12}"},
        {"{'ref':'tasks.extract.output.parts'}", "[\"a\",\"b\"]"},
        {"{'ref':'tasks.extract.status'}", "\"success\""},
        {"{'ref':['tasks','A.B','output','x']}", "1"},
        {"{'ref':'tasks.my-task.output.x'}", "2"},
        {"{'text':['--day=',{'ref':'params.day'},'/',{'ref':'params.n'},{'const':true}]}",
         "\"--day=2026-11-01/12true\""},
        {"{'text':[{'ref':'tasks.extract.output.parts'},{'ref':'tasks.extract.output.o'}]}",
         "\"[\\\"a\\\",\\\"b\\\"]{\\\"k\\\":1}\""},
        {"{'text':[]}", "\"\""},
        {"{'list':[{'ref':'params.n'},'x',{'list':[]}]}", "[12.0,\"x\",[]]"},
        {"{'object':{'a':{'ref':'this.run_id'},'b':{'object':{}}}}", "{\"a\":\"r1\",\"b\":{}}"},
        {"{'date':{}}", "\"2026-11-01\""},
        {"{'date':{'offset_ms':-86400000}}", "\"2026-10-31\""},
        {"{'date':{'offset_ms':3600000,'format':'%Y%m%dT%H%M%S'}}", "\"20261101T030203\""},
        {"{'ref':'tasks.extract.output.flag'}", "false"},
    };
    json_t *all = tree(world);
    struct ork_scope s = scope_of(all);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *expr = tree(cases[i].expr), *value = NULL;
        ork_err err;
        if (ork_expr_eval(expr, &s, false, &value, &err) < 0)
            fail_msg("%s: %s", cases[i].expr, err.msg);
        assert_string_equal(text_of(value), cases[i].value);
        json_decref(value);
        json_decref(expr);
    }
    json_decref(all);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *expr;
        int code;
        const char *msg;
    } cases[] = {
        {"{'ref':'tasks.extract.output.rwos'}", ORK_ENOVALUE,
         "tasks.extract.output.rwos has no value: tasks.extract.output has no field `rwos`; did you mean `rows`?"},
        {"{'ref':'tasks.late.output.x'}", ORK_ENOVALUE, "tasks.late.output.x has no value: task `late` gave no output"},
        {"{'ref':'tasks.extract.output.parts.x'}", ORK_ENOVALUE,
         "tasks.extract.output.parts is a list of 2, which has no fields"},
        {"{'ref':'tasks.extract.output.nul'}", ORK_ENOVALUE, "tasks.extract.output.nul has no value: it is null"},
        {"{'ref':'tasks.extract.output.nul.x'}", ORK_ENOVALUE, "is null, which has no fields"},
        {"{'ref':['tasks','A.B','output','q z']}", ORK_ENOVALUE, "tasks[\"A.B\"].output[\"q z\"] has no value"},
        {"{'ref':'params.none'}", ORK_ENOVALUE, "params.none has no value"},
        {"{'ref':'task.extract.output'}", ORK_EDEF, "did you mean `tasks`?"},
        {"{'ref':'tasks.extract.ouput'}", ORK_EDEF, "did you mean `output`?"},
        {"{'ref':'tasks.extract'}", ORK_EDEF, "tasks.NAME.output"},
        {"{'ref':'tasks..output'}", ORK_EDEF, "a name between two points is missing"},
        {"{'ref':''}", ORK_EDEF, "malformed"},
        {"{'ref':[]}", ORK_EDEF, "1 to 64 parts"},
        {"{'ref':['tasks',1,'output']}", ORK_EDEF, "not integer"},
        {"{'ref':7}", ORK_EDEF, "not integer"},
        {"{'text':'x'}", ORK_EDEF, "wants a list"},
        {"{'text':['a',null]}", ORK_ENOVALUE, "null"},
        {"{'text':['rm ',{'const':null}]}", ORK_ENOVALUE, "null"},
        {"{'list':{}}", ORK_EDEF, "wants a list"},
        {"{'object':[]}", ORK_EDEF, "wants an object"},
        {"{'date':{'offset':1}}", ORK_EDEF, "offset_ms"},
        {"{'date':{'format':'%Q'}}", ORK_EINVAL, "%Q"},
        {"{'date':{'offset_ms':9223372036854775807}}", ORK_EDEF, "too large"},
        {"{'date':3}", ORK_EDEF, "offset_ms"},
        {"{'cnst':3}", ORK_EDEF, "unknown form `cnst`"},
        {"{'const':3,'ref':'params.n'}", ORK_EDEF, "exactly one"},
        {"{}", ORK_EDEF, "exactly one"},
        {"['a']", ORK_EDEF, "a list is written"},
        {"{'secret':'KEY'}", ORK_EDEF, "only in env"},
    };
    json_t *all = tree(world);
    struct ork_scope s = scope_of(all);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *expr = tree(cases[i].expr), *value = NULL;
        ork_err err = {0};
        int rc = ork_expr_eval(expr, &s, false, &value, &err);
        if (rc != cases[i].code || err.code != rc || value)
            fail_msg("%s: %d %s", cases[i].expr, rc, err.msg);
        assert_contains(err.msg, cases[i].msg);
        json_decref(expr);
    }
    json_decref(all);
}

/* Inputs: nothing is null, but never part of a text. */
static void test_optional(void **state)
{
    (void)state;
    json_t *all = tree(world), *value = NULL;
    struct ork_scope s = scope_of(all);
    json_t *expr = tree("{'object':{'a':{'ref':'tasks.late.output.x'},'b':{'ref':'tasks.extract.output.nope'},'c':{'"
                        "list':[{'ref':'params.none'}]}}}");
    ork_err err;

    assert_int_equal(ork_expr_eval(expr, &s, true, &value, &err), 0);
    assert_string_equal(text_of(value), "{\"a\":null,\"b\":null,\"c\":[null]}");
    json_decref(value);
    json_decref(expr);

    expr = tree("{'object':{'a':{'text':['/data/',{'ref':'tasks.late.output.x'}]}}}");
    assert_int_equal(ork_expr_eval(expr, &s, true, &value, &err), ORK_ENOVALUE);
    assert_contains(err.msg, "tasks.late.output.x");
    json_decref(expr);
    json_decref(all);
}

static json_t *nest(const char *outer, const char *inner, int levels)
{
    json_t *expr = json_string("x");

    for (int i = 0; i < levels; i++)
        expr = json_pack("{s:[o]}", i % 2 ? outer : inner, expr);
    return expr;
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *outer, *inner;
        int levels, rc;
    } cases[] = {
        {"list", "list", ORK_JSON_DEPTH, 0},
        {"list", "list", ORK_JSON_DEPTH + 1, ORK_ETOOBIG},
        {"text", "text", 3000, ORK_ETOOBIG},
        {"text", "list", 120,
         ORK_ETOOBIG}, /* quotes of quotes double at each level: ends at the limit of texts, not of memory */
    };
    json_t *all = tree("{}"), *value = NULL;
    struct ork_scope s = scope_of(all);
    ork_err err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *expr = nest(cases[i].outer, cases[i].inner, cases[i].levels);
        assert_int_equal(ork_expr_eval(expr, &s, false, &value, &err), cases[i].rc);
        json_decref(value);
        json_decref(expr);
    }
    json_decref(all);
}

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *value, *text;
    } cases[] = {
        {"'a\\nb'", "a\nb"},
        {"12", "12"},
        {"12.0", "12"},
        {"-0.0", "0"},
        {"0.1", "0.1"},
        {"1e20", "100000000000000000000"},
        {"true", "true"},
        {"false", "false"},
        {"[1,2.0]", "[1,2.0]"},
        {"{'b':1,'a':null}", "{\"a\":null,\"b\":1}"},
        {"''", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_buf out = ORK_BUF_INIT;
        json_t *v = tree(cases[i].value);
        ork_err err;
        assert_int_equal(ork_expr_text(v, &out, &err), 0);
        assert_string_equal(out.data, cases[i].text);
        ork_buf_fini(&out);
        json_decref(v);
    }
    struct ork_buf out = ORK_BUF_INIT;
    ork_err err;
    json_t *null = json_null();
    assert_int_equal(ork_expr_text(null, &out, &err), ORK_ENOVALUE);
    assert_int_equal(ork_expr_text(NULL, &out, NULL), ORK_ENOVALUE);
    ork_buf_fini(&out);
}

static void test_when(void **state)
{
    (void)state;
    static const struct {
        const char *left, *op, *right;
        int result; /* 0 1, or the error */
    } cases[] = {
        {"{'ref':'tasks.extract.output.rows'}", ">", "0", 1},
        {"{'ref':'tasks.extract.output.rows'}", "==", "12.0", 1},
        {"{'ref':'tasks.extract.output.rows'}", "~=", "12", 0},
        {"{'ref':'tasks.extract.output.rows'}", "==", "'12'", 0},
        {"{'ref':'tasks.extract.output.rows'}", "<=", "12", 1},
        {"{'ref':'tasks.extract.output.rows'}", "<", "12", 0},
        {"{'ref':'tasks.extract.output.rows'}", ">=", "12.5", 0},
        {"9007199254740993", "==", "9007199254740992.0", 0},
        {"9007199254740993", ">", "9007199254740992.0", 1},
        {"9007199254740992.0", "<", "9007199254740993", 1},
        {"9223372036854775807", "<", "9223372036854775808.0", 1},
        {"9223372036854775807", "==", "9223372036854775808.0", 0},
        {"-9223372036854775807", ">", "-1e19", 1},
        {"12", "<", "12.5", 1},
        {"-12", ">", "-12.5", 1},
        {"12.5", ">", "12", 1},
        {"0.5", "<", "0.75", 1},
        {"{'ref':'params.day'}", "<", "'2026-11-02'", 1},
        {"'ab'", "<", "'abc'", 1},
        {"'b'", ">", "'abc'", 1},
        {"'eu'", "in", "{'const':['us','eu']}", 1},
        {"2.0", "in", "{'const':[1,2]}", 1},
        {"'x'", "in", "{'const':[]}", 0},
        {"{'ref':'tasks.extract.output.parts'}", "==", "{'const':['a','b']}", 1},
        {"{'ref':'tasks.extract.output.parts'}", "==", "{'const':['a','c']}", 0},
        {"{'ref':'tasks.extract.output.o'}", "==", "{'const':{'k':1.0}}", 1},
        {"{'ref':'tasks.extract.output.o'}", "==", "{'const':{'j':1}}", 0},
        {"{'ref':'tasks.extract.output.nul'}", "==", "null", 1},
        {"{'ref':'tasks.extract.output.nul'}", "truthy", NULL, 0},
        {"{'ref':'tasks.extract.output.flag'}", "truthy", NULL, 0},
        {"{'ref':'tasks.extract.output.rows'}", "truthy", NULL, 1},
        {"{'const':''}", "truthy", NULL, 1},
        {"{'const':[]}", "truthy", NULL, 1},
        {"0", "truthy", NULL, 1},
        {"{'ref':'tasks.late.status'}", "==", "'skipped'", 1},
        {"{'ref':'tasks.late.output.x'}", "truthy", NULL, ORK_ENOVALUE},
        {"{'ref':'params.day'}", ">", "5", ORK_ETYPE},
        {"true", "<", "false", ORK_ETYPE},
        {"null", "<", "1", ORK_ETYPE},
        {"'e'", "in", "'eu'", ORK_ETYPE},
        {"1", "!=", "2", ORK_EDEF},
        {"1", "==", NULL, ORK_EDEF},
        {"1", "truthy", "1", ORK_EDEF},
    };
    json_t *all = tree(world);
    struct ork_scope s = scope_of(all);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *when = json_pack("{s:s,s:o}", "op", cases[i].op, "left", tree(cases[i].left));
        bool result = false;
        ork_err err = {0};
        if (cases[i].right)
            json_object_set_new(when, "right", tree(cases[i].right));
        int rc = ork_expr_when(when, &s, false, &result, &err);
        if (cases[i].result < 0 ? rc != cases[i].result : rc != 0 || result != (cases[i].result == 1))
            fail_msg("%s %s %s: %d %d %s", cases[i].left, cases[i].op, cases[i].right ? cases[i].right : "", rc, result,
                     err.msg);
        json_decref(when);
    }
    ork_err err;
    bool result = true;
    json_t *when = tree("{'op':'truthy','left':{'ref':'tasks.late.output.x'}}");
    assert_int_equal(ork_expr_when(when, &s, true, &result, &err), 0);
    assert_false(result);
    json_decref(when);
    when = tree("{'op':'>','left':{'ref':'params.day'},'right':5}");
    assert_int_equal(ork_expr_when(when, &s, true, &result, &err), ORK_ETYPE);
    assert_string_equal(err.msg, "`>` orders two numbers or two texts: params.day is \"2026-11-01\", on the right 5");
    json_decref(when);
    assert_int_equal(ork_expr_when(NULL, &s, true, &result, &err), ORK_EDEF);
    json_decref(all);
}

static void add_task(void *data, const char *task, const char *what)
{
    ork_buf_addf(data, "%s.%s ", task, what);
}

static void test_each_task(void **state)
{
    (void)state;
    struct ork_buf out = ORK_BUF_INIT;
    json_t *expr =
        tree("{'object':{'a':{'ref':'tasks.a.output.x'},'b':{'list':[{'ref':'tasks.b.status'},{'ref':'params.p'}]},"
             "'c':{'text':['x',{'ref':['tasks','c.d','error']}]},'d':{'const':{'ref':'tasks.no.output'}}}}");
    ork_expr_each_task(expr, add_task, &out);
    assert_string_equal(out.data, "a.output b.status c.d.error ");
    json_decref(expr);

    ork_buf_clear(&out);
    expr = tree("{'command':['x',{'ref':'tasks.a.output'}],'env':{'ref':'tasks.no.output','B':{'ref':'tasks.b.output'},"
                "'F':false},"
                "'cwd':{'ref':'tasks.c.output.dir'},'task_bindings':{'list':{'ref':'tasks.d.output'},'const':'x'},"
                "'task_binding':{'ref':'tasks.e.output'},'when':{'op':'==','left':{'ref':'tasks.f.output'},'right':{'"
                "ref':'tasks.g.results'}}}");
    ork_expr_params_each_task(expr, add_task, &out);
    assert_string_equal(out.data, "a.output c.output e.output f.output g.results b.output d.output ");
    json_decref(expr);

    ork_buf_clear(&out);
    expr = tree("{'command':{'shell':'echo','args':[{'ref':'tasks.h.output'}]}}");
    ork_expr_params_each_task(expr, add_task, &out);
    assert_string_equal(out.data, "h.output ");
    json_decref(expr);

    /* Parts of params that are made of expressions may be handed over as they are. */
    ork_buf_clear(&out);
    expr = tree("['x',{'ref':'tasks.a.output'}]");
    ork_expr_each_task(expr, add_task, &out);
    json_decref(expr);
    expr = tree("{'shell':'x','args':[{'text':[{'ref':'tasks.b.output'}]}]}");
    ork_expr_each_task(expr, add_task, &out);
    json_decref(expr);
    expr = tree("{'op':'in','left':{'ref':'tasks.c.output'},'right':{'list':[{'ref':'tasks.d.status'}]}}");
    ork_expr_each_task(expr, add_task, &out);
    assert_string_equal(out.data, "a.output b.output c.output d.status ");
    json_decref(expr);
    ork_buf_fini(&out);
}

static void test_ref_name(void **state)
{
    (void)state;
    static const struct {
        const char *ref, *name;
    } cases[] = {
        {"'tasks.extract.output.parts'", "tasks.extract.output.parts"},
        {"{'ref':['tasks','A.B','output','x']}", "tasks[\"A.B\"].output.x"},
        {"['params','day']", "params.day"},
        {"['x','y']", "x.y"},
        {"7", "a malformed reference"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_buf out = ORK_BUF_INIT;
        json_t *ref = tree(cases[i].ref);
        ork_expr_ref_name(ref, &out);
        assert_string_equal(out.data, cases[i].name);
        ork_buf_fini(&out);
        json_decref(ref);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),    cmocka_unit_test(test_refusals), cmocka_unit_test(test_optional),
        cmocka_unit_test(test_depth),     cmocka_unit_test(test_text),     cmocka_unit_test(test_when),
        cmocka_unit_test(test_each_task), cmocka_unit_test(test_ref_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
