/* SPDX-License-Identifier: MIT */
#include <ork/ork.h>

const char *ork_version(void)
{
    return ORK_VERSION;
}
