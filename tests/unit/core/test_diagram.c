/* SPDX-License-Identifier: MIT */
/* The diagrams of ARCHITECTURE.md are those of the state tables. When this fails, put what the message shows there. */
#include "base/alloc.h"
#include "core/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *read_all(FILE *f)
{
    size_t cap = 1 << 16, n;
    char *text = malloc(cap);

    assert_non_null(text);
    n = fread(text, 1, cap - 1, f);
    assert_true(n < cap - 1);
    text[n] = '\0';
    return text;
}

/* The next ```mermaid block of the document; *at moves behind it. */
static char *next_block(char **at)
{
    static const char fence[] = "```mermaid\n";
    char *start = strstr(*at, fence), *end;

    if (!start)
        return NULL;
    start += sizeof fence - 1;
    end = strstr(start, "```");
    assert_non_null(end);
    *end = '\0';
    *at = end + 1;
    return start;
}

static void the_document_shows_the_tables(void **state)
{
    const char *root = getenv("ORK_ROOT");
    char path[4096], *document, *at, *drawn = NULL;
    size_t drawn_len = 0;
    FILE *f;

    (void)state;
    if (!root) {
        print_message("left out: ORK_ROOT is not set (script/test sets it)\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/ARCHITECTURE.md", root);
    f = fopen(path, "r");
    assert_non_null(f);
    document = at = read_all(f);
    fclose(f);
    f = open_memstream(&drawn, &drawn_len);
    assert_non_null(f);
    ork_state_mermaid(f);
    fclose(f);

    char *second = strstr(drawn, "\n\n");
    assert_non_null(second);
    second[1] = '\0';
    assert_string_equal(next_block(&at), drawn);
    assert_string_equal(next_block(&at), second + 2);
    assert_null(next_block(&at));
    free(drawn);
    free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_document_shows_the_tables)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
