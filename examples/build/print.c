/* SPDX-License-Identifier: MIT */
#include "count.h"
#include <stdio.h>

void count_print(const struct count *c)
{
    printf("%lu lines, %lu words, %lu bytes\n", c->lines, c->words, c->bytes);
}
