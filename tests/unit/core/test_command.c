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
    "{'params':{'day':'2026-11-01','none':null,'evil':'$(rm -rf /); \\'x'},"
    "'input':{'part':'p 1','n':12.0,'list':['a b',2,true,['in'],{'k':1}],'empty':[],'flag':true},"
    "'output':{'extract':{'dir':'/data/x'}},'secret':{'KEY':'s3cret'}}";

/* "argv|argv # env|env # cwd" */
static const char *summary(const struct ork_argv *a)
{
    static struct ork_buf out;

    ork_buf_clear(&out);
    for (size_t i = 0; i < a->argc; i++)
        ork_buf_addf(&out, "%s%s", i ? "|" : "", a->argv[i]);
    ork_buf_adds(&out, " # ");
    for (size_t i = 0; i < a->envc; i++)
        ork_buf_addf(&out, "%s%s", i ? "|" : "", a->env[i]);
    ork_buf_addf(&out, " # %s", a->cwd ? a->cwd : "-");
    return out.data;
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *params, *result;
    } cases[] = {
        {"{'command':['python3','x.py']}", "python3|x.py #  # -"},
        {"{'command':['x',{'text':['--day=',{'ref':'params.day'}]},{'ref':'input.n'},{'ref':'input.flag'},5]}",
         "x|--day=2026-11-01|12|true|5 #  # -"},
        {"{'command':['x',{'ref':'input.list'},'end']}", "x|a b|2|true|[\"in\"]|{\"k\":1}|end #  # -"},
        {"{'command':['x',{'ref':'input.empty'},'']}", "x| #  # -"},
        {"{'command':[{'const':['ls','-l']}]}", "ls|-l #  # -"},
        {"{'command':'echo $HOME | wc'}", "/bin/sh|-c|echo $HOME | wc|sh #  # -"},
        {"{'command':{'shell':'echo $1 $2','args':[{'ref':'input.part'},{'ref':'input.list'}]}}",
         "/bin/sh|-c|echo $1 $2|sh|p 1|[\"a b\",2,true,[\"in\"],{\"k\":1}] #  # -"},
        {"{'command':{'shell':'echo $1','args':[{'ref':'params.day'}]}}", "/bin/sh|-c|echo $1|sh|2026-11-01 #  # -"},
        {"{'command':['x'],'env':{'A':'1','B':{'ref':'params.day'},'C':false,'D':{'ref':'input.flag'},'E':''},'cwd':'"
         "sub dir'}",
         "x # A=1|B=2026-11-01|C|D=true|E= # sub dir"},
        {"{'command':['x'],'env':{'K':{'secret':'KEY'},'L':{'text':['Bearer "
         "',{'secret':'KEY'}]}},'cwd':{'ref':'tasks.extract.output.dir'}}",
         "x # K=s3cret|L=Bearer s3cret # /data/x"},
    };
    json_t *all = tree(world);
    struct ork_scope s = scope_of(all);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_argv argv;
        ork_err err;
        json_t *params = tree(cases[i].params);
        if (ork_expr_command(params, &s, &argv, &err) < 0)
            fail_msg("%s: %s", cases[i].params, err.msg);
        assert_string_equal(summary(&argv), cases[i].result);
        assert_null(argv.argv[argv.argc]);
        assert_true(!argv.env || !argv.env[argv.envc]);
        ork_argv_fini(&argv);
        json_decref(params);
    }
    json_decref(all);
}

/* A value that looks like shell stays one argument, byte for byte, and the script stays what was written. */
static void test_no_injection(void **state)
{
    (void)state;
    json_t *all = tree(world);
    struct ork_scope s = scope_of(all);
    json_t *params = tree("{'command':{'shell':'cat $1','args':[{'ref':'params.evil'}]}}");
    struct ork_argv argv;
    ork_err err;

    assert_int_equal(ork_expr_command(params, &s, &argv, &err), 0);
    assert_int_equal(argv.argc, 5);
    assert_string_equal(argv.argv[2], "cat $1");
    assert_string_equal(argv.argv[4], json_string_value(json_object_get(json_object_get(all, "params"), "evil")));
    ork_argv_fini(&argv);
    json_decref(params);
    json_decref(all);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *params;
        int code;
        const char *msg;
    } cases[] = {
        {"{'command':['rm','-r',{'text':['/data/',{'ref':'tasks.gone.output.dir'}]}]}", ORK_ENOVALUE,
         "command, word 3: tasks.gone.output.dir has no value"},
        {"{'command':['rm',{'ref':'params.none'}]}", ORK_ENOVALUE, "command, word 2: params.none has no value"},
        {"{'command':['x',{'const':null}]}", ORK_ENOVALUE, "command, word 2"},
        {"{'command':['x',{'const':['a',null]}]}", ORK_ENOVALUE, "command, word 2"},
        {"{'command':{'shell':'x','args':['a',{'ref':'params.gone'}]}}", ORK_ENOVALUE, "command, value 2: params.gone"},
        {"{'command':['x'],'env':{'A':{'ref':'params.gone'}}}", ORK_ENOVALUE, "env.A: params.gone"},
        {"{'command':['x',{'ref':'tasks.extract.error'}]}", ORK_ENOVALUE,
         "tasks.extract.error has no value: task `extract` gave no error; where it may be missing ask with `when`, or "
         "give it to `inputs`: there it is null"},
        {"{'command':['x'],'env':{'A':null}}", ORK_ENOVALUE, "env.A"},
        {"{'command':['x'],'cwd':{'ref':'params.gone'}}", ORK_ENOVALUE, "cwd: params.gone"},
        {"{'command':['x'],'cwd':''}", ORK_ENOVALUE, "cwd"},
        {"{'command':[]}", ORK_EDEF, "empty"},
        {"{'command':[{'ref':'input.empty'}]}", ORK_ENOVALUE, "empty"},
        {"{'command':['']}", ORK_ENOVALUE, "empty"},
        {"{'command':''}", ORK_EDEF, "empty"},
        {"{'command':7}", ORK_EDEF, "command"},
        {"{'command':{'shell':{'ref':'params.evil'}}}", ORK_EDEF, "the command"},
        {"{'command':{'shell':'x','arg':[]}}", ORK_EDEF, "command"},
        {"{'command':{'shell':'x','args':'a'}}", ORK_EDEF, "command"},
        {"{}", ORK_EDEF, "no command"},
        {"{'command':['x',{'secret':'KEY'}]}", ORK_EDEF, "only in env"},
        {"{'command':['x'],'env':{'A':{'secret':'NONE'}}}", ORK_ENOVALUE, "`NONE` has no value"},
        {"{'command':['x'],'env':{'A=B':'c'}}", ORK_EDEF, "env.A=B"},
        {"{'command':['x'],'env':{'':'c'}}", ORK_EDEF, "not empty"},
        {"{'command':['x'],'env':['A']}", ORK_EDEF, "env"},
        {"{'command':['x',['y']]}", ORK_EDEF, "command, word 2"},
    };
    json_t *all = tree(world);
    struct ork_scope s = scope_of(all);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *params = tree(cases[i].params);
        struct ork_argv argv;
        ork_err err = {0};
        int rc = ork_expr_command(params, &s, &argv, &err);
        if (rc != cases[i].code || argv.argv || argv.env || argv.cwd)
            fail_msg("%s: %d %s", cases[i].params, rc, err.msg);
        assert_contains(err.msg, cases[i].msg);
        json_decref(params);
    }
    json_decref(all);
}

static void test_limits(void **state)
{
    (void)state;
    json_t *all = tree("{}");
    struct ork_scope s = scope_of(all);
    struct ork_argv argv;
    ork_err err;
    char *big = ork_alloc(131073);

    memset(big, 'x', 131072);
    for (int len = 131071; len <= 131072; len++) {
        json_t *params = json_pack("{s:[s,o]}", "command", "x", json_stringn(big, len));
        int rc = ork_expr_command(params, &s, &argv, &err);
        assert_int_equal(rc, len == 131071 ? 0 : ORK_ETOOBIG);
        if (rc < 0)
            assert_contains(err.msg, "$ORK_INPUT_FILE");
        ork_argv_fini(&argv);
        json_decref(params);
    }
    json_t *list = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(list, json_stringn(big, 100000));
    json_t *params = json_pack("{s:[s,{s:o}]}", "command", "x", "const", list);
    assert_int_equal(ork_expr_command(params, &s, &argv, &err), ORK_ETOOBIG);
    assert_contains(err.msg, "6 MiB");
    json_decref(params);

    params = json_pack("{s:[s,o]}", "command", "x", json_stringn("a\0b", 3));
    assert_int_equal(ork_expr_command(params, &s, &argv, &err), ORK_EINVAL);
    assert_contains(err.msg, "NUL");
    json_decref(params);
    ork_free(big);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_no_injection),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
