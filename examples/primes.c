/* SPDX-License-Identifier: MIT */
/* The library of library.lua: JSON in, JSON out. A real one would use a JSON library, or generated code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ork_task_run(const char *input_json) /* {"below":1000} */
{
    const char *number = strpbrk(input_json, "0123456789");
    long below = number ? strtol(number, NULL, 10) : 0, primes = 0;
    char *composite = calloc(1, (size_t)below + 1), *out = malloc(64);

    for (long n = 2; n < below; n++) {
        primes += !composite[n];
        for (long m = n * n; !composite[n] && n < 65536 && m < below; m += n)
            composite[m] = 1;
    }
    printf("looked at %ld numbers\n", below - 2); /* goes to the task's log */
    snprintf(out, 64, "{\"primes\":%ld}", primes);
    free(composite);
    return out; /* NULL fails the task */
}

void ork_task_free(char *output_json)
{
    free(output_json);
}
