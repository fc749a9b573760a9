/* SPDX-License-Identifier: MIT */
/* What went wrong, in words that say what to do about it. The server's SQLSTATE decides; a connection that broke has
 * none and means that the database is away. Texts are libpq's and the server's, which name hosts, users and tables; a
 * password is in none of them (url.c refuses the URLs out of which libpq would quote one). */
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <string.h>

const char *ork_link_state(const PGresult *res)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    return state ? state : "";
}

static const struct {
    const char *prefix; /* of the SQLSTATE; the first that fits */
    int code;
} codes[] = {
    {"22012", ORK_EFENCED},   {"22", ORK_EDATA},        {"23", ORK_EDATA},       {"21000", ORK_EDATA},
    {"54000", ORK_EDATA},     {"25006", ORK_EREADONLY}, {"28", ORK_EACCESS},     {"42501", ORK_EACCESS},
    {"3D000", ORK_ENOTFOUND}, {"3F000", ORK_ECORRUPT},  {"42P01", ORK_ECORRUPT}, {"42703", ORK_ECORRUPT},
    {"42883", ORK_ECORRUPT},  {"42804", ORK_ECORRUPT},  {"42P10", ORK_ECORRUPT}, {"42704", ORK_ECORRUPT},
    {"53100", ORK_ENOSPC},    {"53", ORK_EBUSY},        {"55P03", ORK_EBUSY},    {"40", ORK_EBUSY},
    {"08P01", ORK_EINVAL},    {"57014", ORK_EBUSY},     {"57", ORK_EIO},         {"08", ORK_EIO},
    {"25P03", ORK_EIO},       {"0A000", ORK_EIO},       {"XX001", ORK_ECORRUPT}, {"XX002", ORK_ECORRUPT},
    {"58", ORK_EIO},
};

static int code_of(const char *state)
{
    if (!*state)
        return ORK_EIO;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strncmp(state, codes[i].prefix, strlen(codes[i].prefix)) == 0)
            return codes[i].code;
    return ORK_EDB;
}

/* One line of a message, without its newline. */
static struct ork_text first_line(const char *text)
{
    text = text ? text : "";
    return (struct ork_text){text, strcspn(text, "\n")};
}

static int say(struct ork_link *l, int code, const char *state, const char *message, const char *what, ork_err *err)
{
    struct ork_text m = first_line(message);
    const char *where = l->store->shown;
    int n = (int)m.n;
    switch (code) {
    case ORK_EDATA:
        return ork_err_set(err, code, "the database refuses a value: %.*s", n, m.p);
    case ORK_EFENCED:
        return ork_err_set(err, code,
                           "another scheduler took over the runs of this one; nothing of this change was stored");
    case ORK_EREADONLY:
        return ork_err_set(err, code,
                           "%s is read-only (a standby, or set so): connect to the primary, for example by "
                           "target_session_attrs=read-write in the URL: %.*s",
                           where, n, m.p);
    case ORK_EACCESS:
        if (strncmp(state, "28", 2) == 0)
            return ork_err_set(err, code,
                               "%s lets this user not in: %.*s. The password comes from the URL, from PGPASSWORD or "
                               "from ~/.pgpass; who may connect is in the server's pg_hba.conf",
                               where, n, m.p);
        return ork_err_set(err, code,
                           "%s: this user lacks a right: %.*s. Ork needs CREATE on the schema to migrate, and SELECT, "
                           "INSERT, UPDATE, DELETE on its tables",
                           where, n, m.p);
    case ORK_ENOTFOUND:
        return ork_err_set(err, code, "%s: %.*s; `createdb` makes it", where, n, m.p);
    case ORK_ECORRUPT:
        return ork_err_set(err, code,
                           "%s: its tables are not as this Ork (%s) knows them: %.*s. Somebody altered the schema: "
                           "undo that, or restore a copy",
                           where, ork_version(), n, m.p);
    case ORK_ENOSPC:
        return ork_err_set(err, code, "no space left on the server of %s: %.*s; nothing of this change was stored",
                           where, n, m.p);
    case ORK_EBUSY:
        return ork_err_set(err, code, "%s is busy: %.*s", where, n, m.p);
    case ORK_EIO:
        return ork_err_set(err, code, "%s cannot be reached: %.*s", where, n, m.p);
    default:
        return ork_err_set(err, code, "%s %s: %.*s%s%s", what ? what : "using", where, n, m.p, *state ? " " : "",
                           state);
    }
}

int ork_link_fail(struct ork_link *l, const PGresult *res, const char *what, ork_err *err)
{
    const char *state = ork_link_state(res), *text = NULL;
    if (*state)
        text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    else if (res && PQresultStatus(res) == PGRES_FATAL_ERROR)
        text = PQresultErrorMessage(res);
    else if (l->pg)
        text = PQerrorMessage(l->pg);
    if (!text || !*text)
        text = "the connection was lost";
    l->repeated = strcmp(state, "23505") == 0;
    return say(l, code_of(state), state, text, what, err);
}

/* A failed connection has no answer: libpq's text tells what the server said. The last line is of the last host. */
int ork_link_fail_connect(struct ork_link *l, ork_err *err)
{
    static const struct {
        const char *text, *state;
    } known[] = {
        {"too many clients", "53300"},
        {"too many connections", "53300"},
        {"remaining connection slots", "53300"},
        {"password authentication failed", "28P01"},
        {"no password supplied", "28P01"},
        {"authentication failed", "28000"},
        {"no pg_hba.conf entry", "28000"},
        {"role \"", "28000"},
        {"database \"", "3D000"},
        {"session is read-only", "25006"},
        {"session is not read-only", "25006"},
        {"is in hot standby", "25006"},
    };
    const char *text = l->pg ? PQerrorMessage(l->pg) : "out of memory", *state = "";
    for (size_t i = 0; !*state && i < sizeof known / sizeof *known; i++)
        if (strstr(text, known[i].text))
            state = known[i].state;
    struct ork_buf one = ORK_BUF_INIT;
    for (const char *p = text; *p; p++) /* several lines: several hosts or hints */
        if (*p == '\t')
            continue;
        else if (*p != '\n')
            ork_buf_addc(&one, *p);
        else if (p[1])
            ork_buf_adds(&one, p[1] == '\t' ? " " : "; ");
    int rc = say(l, code_of(state), state, one.data ? one.data : "no answer", NULL, err);
    ork_buf_fini(&one);
    return rc;
}
