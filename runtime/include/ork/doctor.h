/* SPDX-License-Identifier: MIT */
/* libork: how the database and the installation are. Part of ork.h, which includes it. */
#ifndef ORK_DOCTOR_H
#define ORK_DOCTOR_H
#include "ork.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- the database --------------------------------------------------------------------------- */

ORK_API int ork_db_status_json(ork_engine *e, char **out, ork_err *err)
    ORK_MUSTCHECK; /* {"url","version","migrations":[{version,name,applied_at}],"pending":[…],"counts":{…}} */
/* {"ok":bool,"problems":[{"text","repair"}],"notes":[as problems]}; ok: no problems. Notes are what killed programs
 * left and Ork itself cleans up. */
ORK_API int ork_db_check_json(ork_engine *e, char **out, ork_err *err) ORK_MUSTCHECK;

/* ---- the installation ------------------------------------------------------------------------- */

/* Looks at what Ork stands on: kernel, limits, database, data directory, locks, notices, agent. {"ok":bool,"checks":
 * [{"name","state":"ok|warning|problem","text","hint"}]}; ok: no problem among them. Takes url (NULL: there is no
 * database yet), data_dir, agent_path and jobs of the options. Changes nothing in the database; starts an agent where
 * none answers, which ends by itself. Blocks, at most some 20 s when something hangs. */
ORK_API int ork_doctor_json(const struct ork_engine_opts *opts, char **out, ork_err *err) ORK_MUSTCHECK;
/* {"version","agent_protocol","schema","sqlite","libuv","jansson"}: of this library and what it is linked with. */
ORK_API int ork_versions_json(char **out, ork_err *err) ORK_MUSTCHECK;

#ifdef __cplusplus
}
#endif
#endif
