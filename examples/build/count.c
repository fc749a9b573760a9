/* SPDX-License-Identifier: MIT */
#include "count.h"
#include <ctype.h>

void count_byte(struct count *c, int byte)
{
    c->bytes++;
    c->lines += byte == '\n';
    c->words += !isspace(byte) && !c->in_word;
    c->in_word = !isspace(byte);
}
