/* SPDX-License-Identifier: MIT */
/* Files compiled into the binary (cmake/embed.cmake): tables sorted by path, ended by a row of NULLs. */
#ifndef ORK_BASE_EMBED_H
#define ORK_BASE_EMBED_H
#include <stddef.h>

struct ork_embedded {
    const char *path;        /* relative to the embedded folder */
    const char *start, *end; /* NUL-terminated text: *end == 0 */
};
extern const struct ork_embedded ork_embed_migrations_sqlite[], ork_embed_queries_sqlite[], ork_embed_queries_file[],
    ork_embed_lua_sources[];
extern const size_t ork_embed_migrations_sqlite_len, ork_embed_queries_sqlite_len, ork_embed_queries_file_len,
    ork_embed_lua_sources_len;
/* In the module ork_postgres. */
extern const struct ork_embedded ork_embed_migrations_postgres[], ork_embed_queries_postgres[];
extern const size_t ork_embed_migrations_postgres_len, ork_embed_queries_postgres_len;
#endif
