/* SPDX-License-Identifier: MIT */
/* Counts what comes in on stdin. */
#include "count.h"
#include <stdio.h>

int main(void)
{
    struct count c = {0};
    int byte;

    while ((byte = getchar()) != EOF)
        count_byte(&c, byte);
    count_print(&c);
    return 0;
}
