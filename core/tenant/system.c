/* system - the tables of every tenant and of control.db, as data.
 *
 * Columns that hold JSON, names and codes are text; times are UTC ms; flags are 0 and 1. An index
 * with "live" leaves deleted rows out, so that a deleted user frees the login.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/system.h"

#include "base/hash.h"

#define INT(name)                                                                                  \
    {                                                                                              \
        name, VALUE_INT, false, NULL                                                               \
    }
#define INT_SET(name, fallback)                                                                    \
    {                                                                                              \
        name, VALUE_INT, true, fallback                                                            \
    }
#define TEXT(name)                                                                                 \
    {                                                                                              \
        name, VALUE_TEXT, false, NULL                                                              \
    }
#define TEXT_SET(name, fallback)                                                                   \
    {                                                                                              \
        name, VALUE_TEXT, true, fallback                                                           \
    }
#define BLOB(name)                                                                                 \
    {                                                                                              \
        name, VALUE_BLOB, false, NULL                                                              \
    }
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
/* A list as it is, with how many it holds behind it. */
#define COLUMNS(noun) .columns = noun##_columns, .columns_count = COUNT(noun##_columns)
#define INDEXES(noun) .indexes = noun##_indexes, .indexes_count = COUNT(noun##_indexes)

/* What every record has (data.md section 10). */
#define RECORD_COLUMNS                                                                             \
    INT("id"), INT_SET("version", "1"), INT("created_at"), INT("updated_at"), INT("created_by"),   \
        INT("updated_by"), INT("owner"), INT("team"), INT("department"), INT("deleted_at"),        \
        INT("delete_batch"), TEXT("origin")
/* Lists by newest change, and the purge of what was deleted. */
#define RECORD_INDEXES(noun)                                                                       \
    {noun "_updated", "updated_at desc,id desc", "live", false},                                   \
        {noun "_deleted", "deleted_at", "deleted_at", false},                                      \
    {                                                                                              \
        noun "_name", "name_s,id", "live", false                                                   \
    }

/* --- people --- */

static const struct store_column user_columns[] = {
    RECORD_COLUMNS,         TEXT("login"),
    TEXT("name"),           TEXT("name_s"),
    TEXT("email"),          TEXT("phone"),
    TEXT("locale"),         TEXT("timezone"),
    INT("manager"),         TEXT_SET("roles", "[]"),
    INT_SET("active", "1"), TEXT("password"),
    INT("password_at"),     TEXT("mfa"),
    TEXT("settings"),       TEXT("notify_mail"),
};
static const struct store_index user_indexes[] = {
    {"user_login", "login", "live", true},
    {"user_team", "team,id", "live", false},
    {"user_department", "department,id", "live", false},
    {"user_manager", "manager,id", "live", false},
    RECORD_INDEXES("user"),
};

static const struct store_column department_columns[] = {
    RECORD_COLUMNS, TEXT("name"), TEXT("name_s"), INT("parent"), TEXT("path"), INT("head"),
};
static const struct store_index department_indexes[] = {
    {"department_parent", "parent,id", "live", false},
    {"department_path", "path", "live", false},
    RECORD_INDEXES("department"),
};

static const struct store_column team_columns[] = {
    RECORD_COLUMNS,
    TEXT("name"),
    TEXT("name_s"),
    INT("lead"),
};
static const struct store_index team_indexes[] = {RECORD_INDEXES("team")};

/* --- identity --- */

static const struct store_column session_columns[] = {
    INT("id"),      INT_SET("user", "0"), BLOB("hash"),    TEXT("csrf"),  INT("created_at"),
    INT("seen_at"), INT("expires_at"),    TEXT("address"), TEXT("agent"), INT("mfa_at"),
};
static const struct store_index session_indexes[] = {
    {"session_hash", "hash", NULL, true},
    {"session_user", "user,id", NULL, false},
    {"session_expires", "expires_at", NULL, false},
};

static const struct store_column api_key_columns[] = {
    INT("id"),         INT_SET("user", "0"), TEXT("name"),      BLOB("hash"),   TEXT("prefix"),
    TEXT("scopes"),    TEXT("addresses"),    INT("expires_at"), INT("seen_at"), INT("created_at"),
    INT("revoked_at"), INT("calls"),         INT("refused"),    INT("limited"), INT("limited_at"),
};
static const struct store_index api_key_indexes[] = {
    {"api_key_hash", "hash", NULL, true},
    {"api_key_user", "user,id", NULL, false},
};

static const struct store_column role_columns[] = {
    TEXT("name"),
    TEXT_SET("body", "{}"),
    INT("updated_at"),
};

static const struct store_column signin_fail_columns[] = {
    TEXT("key"),
    INT_SET("count", "0"),
    INT_SET("until", "0"),
    INT_SET("first_at", "0"),
};
static const struct store_index signin_fail_indexes[] = {
    {"signin_fail_first", "first_at", NULL, false},
};

static const struct store_column vault_key_columns[] = {
    INT("id"),         TEXT_SET("class", ""), TEXT_SET("kind", "data"), INT_SET("version", "1"),
    TEXT("state"),     BLOB("vault"),         BLOB("wrapped"),          INT("created_at"),
    INT("retired_at"),
};
static const struct store_index vault_key_indexes[] = {
    {"vault_key_version", "class,kind,version", NULL, true},
};

static const struct store_column password_past_columns[] = {
    INT("id"),
    INT_SET("user", "0"),
    TEXT("encoded"),
    INT("at"),
};
static const struct store_index password_past_indexes[] = {
    {"password_past_user", "user,id", NULL, false},
};

static const struct store_column password_reset_columns[] = {
    INT("id"),
    INT_SET("user", "0"),
    BLOB("hash"),
    INT_SET("expires_at", "0"),
};
static const struct store_index password_reset_indexes[] = {
    {"password_reset_hash", "hash", NULL, true},
    {"password_reset_user", "user,id", NULL, false},
};

/* --- the tenant's own state --- */

static const struct store_column setting_columns[] = {
    TEXT("name"),
    TEXT_SET("value", "null"),
    INT("updated_at"),
};

static const struct store_column plugin_columns[] = {
    TEXT("id"),        TEXT_SET("state", "enabled"), TEXT("version"), TEXT_SET("config", "{}"),
    INT("updated_at"),
};

static const struct store_column deploy_columns[] = {
    INT("id"),
    TEXT_SET("plugin", ""),
    TEXT_SET("hash", ""),
    TEXT("version"),
    INT("at"),
    INT("actor"),
    TEXT("action"),
    INT_SET("bytes", "0"),
    INT_SET("files", "0"),
    TEXT("before"),
};
static const struct store_index deploy_indexes[] = {
    {"deploy_plugin", "plugin,id", NULL, false},
};

static const struct store_column draft_columns[] = {
    INT("actor"), TEXT_SET("body", "{}"), TEXT("base"), INT_SET("version", "1"), INT("updated_at"),
};

static const struct store_column migration_columns[] = {
    TEXT_SET("plugin", ""), INT_SET("no", "0"),   TEXT("name"),  TEXT("version"),
    TEXT("state"),          INT_SET("done", "0"), INT("cursor"), INT("at"),
};

static const struct store_column entity_reg_columns[] = {
    INT("id"),
    TEXT_SET("plugin", ""),
    TEXT_SET("name", ""),
};
static const struct store_index entity_reg_indexes[] = {
    {"entity_reg_name", "plugin,name", NULL, true},
};

static const struct store_column field_reg_columns[] = {
    INT("id"), TEXT_SET("plugin", ""), TEXT_SET("entity", ""), INT_SET("no", "0"), TEXT("name"),
};
static const struct store_index field_reg_indexes[] = {
    {"field_reg_no", "plugin,entity,no", NULL, true},
};

static const struct store_column dictionary_columns[] = {
    TEXT_SET("dict", ""), TEXT_SET("value", ""), TEXT("parent"),
    TEXT("label"),        INT_SET("sort", "0"),  INT_SET("active", "1"),
};

static const struct store_column view_columns[] = {
    INT("id"),    TEXT("entity"),          TEXT("kind"),
    TEXT("name"), TEXT("scope"),           INT("owner"),
    TEXT("body"), INT_SET("version", "1"), INT("updated_at"),
};
static const struct store_index view_indexes[] = {
    {"view_owner", "owner,entity,kind", NULL, false},
    {"view_entity", "entity,kind,name", NULL, false},
};

static const struct store_column kv_columns[] = {
    TEXT_SET("plugin", ""),
    TEXT_SET("key", ""),
    TEXT("value"),
    INT("expires_at"),
};
static const struct store_index kv_indexes[] = {
    {"kv_expires", "expires_at", "expires_at", false},
};

/* --- logs --- */

static const struct store_column change_columns[] = {
    INT("seq"),
    INT_SET("at", "0"),
    INT("actor"),
    INT_SET("entity", "0"),
    INT_SET("record", "0"),
    INT("version"),
    TEXT("op"),
    TEXT("diff"),
    TEXT("source"),
    INT("batch"),
};
static const struct store_index change_indexes[] = {
    {"change_record", "entity,record,seq", NULL, false},
    {"change_batch", "batch,seq", "batch", false},
};

static const struct store_column audit_columns[] = {
    INT("seq"),    INT_SET("at", "0"), INT("actor"),   TEXT("action"), TEXT("entity"),
    INT("record"), TEXT("address"),    TEXT("detail"), BLOB("hash"),
};
static const struct store_index audit_indexes[] = {
    {"audit_at", "at", NULL, false},
    {"audit_actor", "actor,seq", NULL, false},
    {"audit_action", "action,seq", NULL, false},
    {"audit_record", "entity,record,seq", "record", false},
};

static const struct store_column visit_columns[] = {
    INT("id"),     INT_SET("entity", "0"), INT_SET("record", "0"), INT_SET("field", "0"),
    TEXT("value"), INT("entered_at"),      INT("left_at"),         INT("actor"),
};
static const struct store_index visit_indexes[] = {
    {"visit_record", "entity,record,field,left_at", NULL, false},
};

static const struct store_column redirect_columns[] = {
    INT_SET("entity", "0"),
    INT_SET("loser", "0"),
    INT("winner"),
    INT("at"),
};
static const struct store_index redirect_indexes[] = {
    {"redirect_winner", "entity,winner", NULL, false},
};

/* --- work --- */

static const struct store_column idem_columns[] = {
    INT_SET("actor", "0"), TEXT_SET("key", ""), TEXT("route"),      BLOB("body_hash"),
    INT("status"),         TEXT("answer"),      INT_SET("at", "0"), INT("rights_version"),
};
static const struct store_index idem_indexes[] = {{"idem_at", "at", NULL, false}};

static const struct store_column job_columns[] = {
    INT("id"),
    TEXT_SET("queue", ""),
    TEXT("stream"),
    INT_SET("run_at", "0"),
    INT_SET("tries", "0"),
    TEXT("owner"),
    TEXT("dedupe"),
    TEXT_SET("state", "queued"),
    TEXT("body"),
    TEXT("result"),
    INT("progress"),
    INT("created_at"),
    INT("created_by"),
    INT("finished_at"),
};
static const struct store_index job_indexes[] = {
    {"job_due", "queue,state,run_at", NULL, false},
    {"job_ready", "state,run_at,id", NULL, false},
    {"job_stream", "stream,id", "stream", false},
    {"job_dedupe", "dedupe", "dedupe", true},
    {"job_finished", "finished_at", "finished_at", false},
    {"job_creator", "created_by,id", "created_by", false},
};

static const struct store_column schedule_columns[] = {
    TEXT_SET("plugin", ""), TEXT_SET("name", ""), TEXT("spec"),       INT("next_at"),
    INT("last_at"),         INT("last_job"),      TEXT("last_state"), TEXT("last_error"),
};
static const struct store_index schedule_indexes[] = {
    {"schedule_next", "next_at", "next_at", false},
};

static const struct store_column trip_columns[] = {
    TEXT("name"),    INT_SET("errors", "0"), INT("errors_at"), INT_SET("kills", "0"),
    INT("kills_at"), INT("paused_at"),       TEXT("why"),      INT("paused_by"),
};
static const struct store_index trip_indexes[] = {
    {"trip_paused", "paused_at", "paused_at", false},
};

static const struct store_column file_columns[] = {
    INT("id"),         TEXT("hash"),      TEXT("name"),   TEXT("type"),  INT("bytes"),
    INT("created_at"), INT("created_by"), TEXT("entity"), INT("record"),
};
static const struct store_index file_indexes[] = {
    {"file_hash", "hash", NULL, false},
    {"file_record", "entity,record", "record", false},
};

static const struct store_column import_columns[] = {
    INT("id"),     TEXT("entity"), INT("file"),   TEXT("mapping"),   TEXT("options"),
    TEXT("state"), TEXT("counts"), INT("cursor"), INT("created_by"), INT("created_at"),
};
static const struct store_index import_indexes[] = {
    {"import_created", "created_at", NULL, false},
};

static const struct store_column import_item_columns[] = {
    INT_SET("import", "0"), INT_SET("line", "0"), TEXT("op"),
    INT("record"),          TEXT("reason"),       TEXT("before"),
};

/* Late are those that many companies never need; they come with their first row. */
static const struct store_table tables[] = {
    {.name = "user", .key = "id", COLUMNS(user), INDEXES(user), .tokens = true},
    {.name = "department", .key = "id", COLUMNS(department), INDEXES(department), .tokens = true},
    {.name = "team", .key = "id", COLUMNS(team), INDEXES(team), .tokens = true},
    {.name = "session", .key = "id", COLUMNS(session), INDEXES(session)},
    {.name = "api_key", .key = "id", COLUMNS(api_key), INDEXES(api_key), .late = true},
    {.name = "role", .key = "name", COLUMNS(role)},
    {.name = "signin_fail", .key = "key", COLUMNS(signin_fail), INDEXES(signin_fail)},
    {.name = "vault_key", .key = "id", COLUMNS(vault_key), INDEXES(vault_key), .late = true},
    {.name = "password_past",
     .key = "id",
     COLUMNS(password_past),
     INDEXES(password_past),
     .late = true},
    {.name = "password_reset",
     .key = "id",
     COLUMNS(password_reset),
     INDEXES(password_reset),
     .late = true},
    {.name = "setting", .key = "name", COLUMNS(setting)},
    {.name = "plugin", .key = "id", COLUMNS(plugin)},
    {.name = "deploy", .key = "id", COLUMNS(deploy), INDEXES(deploy), .late = true},
    {.name = "draft", .key = "actor", COLUMNS(draft), .late = true},
    {.name = "migration", .key = "plugin,no", COLUMNS(migration), .late = true},
    {.name = "entity_reg", .key = "id", COLUMNS(entity_reg), INDEXES(entity_reg)},
    {.name = "field_reg", .key = "id", COLUMNS(field_reg), INDEXES(field_reg)},
    {.name = "change", .key = "seq", COLUMNS(change), INDEXES(change), .append_only = true},
    {.name = "audit", .key = "seq", COLUMNS(audit), INDEXES(audit), .append_only = true},
    {.name = "visit", .key = "id", COLUMNS(visit), INDEXES(visit)},
    {.name = "idem", .key = "actor,key", COLUMNS(idem), INDEXES(idem), .late = true},
    {.name = "dictionary", .key = "dict,value", COLUMNS(dictionary)},
    {.name = "file", .key = "id", COLUMNS(file), INDEXES(file), .late = true},
    {.name = "import", .key = "id", COLUMNS(import), INDEXES(import), .late = true},
    {.name = "import_item", .key = "import,line", COLUMNS(import_item), .late = true},
    {.name = "job", .key = "id", COLUMNS(job), INDEXES(job)},
    {.name = "schedule", .key = "plugin,name", COLUMNS(schedule), INDEXES(schedule)},
    {.name = "trip", .key = "name", COLUMNS(trip), INDEXES(trip), .late = true},
    {.name = "view", .key = "id", COLUMNS(view), INDEXES(view), .late = true},
    {.name = "kv", .key = "plugin,key", COLUMNS(kv), INDEXES(kv), .late = true},
    {.name = "redirect", .key = "entity,loser", COLUMNS(redirect), INDEXES(redirect), .late = true},
};

const struct store_table *system_tables(int *count)
{
    ASSERT(count);
    *count = COUNT(tables);
    return tables;
}

/* --- control.db --- */

static const struct store_column tenant_columns[] = {
    INT("id"),
    TEXT_SET("name", ""),
    TEXT("title"),
    TEXT("locale"),
    TEXT("timezone"),
    TEXT("currency"),
    TEXT_SET("state", "active"),
    TEXT("parked_why"),
    INT_SET("worker", "-1"),
    INT("created_at"),
};
static const struct store_index tenant_indexes[] = {{"tenant_name", "name", NULL, true}};

static const struct store_column host_columns[] = {TEXT("host"), INT_SET("tenant", "0")};
static const struct store_index host_indexes[] = {{"host_tenant", "tenant", NULL, false}};

static const struct store_column operator_columns[] = {
    INT("id"), TEXT("login"), TEXT("name"), TEXT("password"), INT("created_at"),
};
static const struct store_index operator_indexes[] = {{"operator_login", "login", NULL, true}};

static const struct store_table control_tables[] = {
    {.name = "tenant", .key = "id", COLUMNS(tenant), INDEXES(tenant)},
    {.name = "host", .key = "host", COLUMNS(host), INDEXES(host)},
    {.name = "operator", .key = "id", COLUMNS(operator), INDEXES(operator)},
};

const struct store_table *system_control_tables(int *count)
{
    ASSERT(count);
    *count = COUNT(control_tables);
    return control_tables;
}

/* --- the hash of any tables --- */

static void hash_text(struct buf *b, const char *s)
{
    if (s)
        buf_put_str(b, s);
    buf_put_char(b, s ? '\n' : '\r');
}

/* Small ones, thousands of times: printf would take longer than all the rest. */
static void hash_digit(struct buf *b, int n, char end)
{
    ASSERT(n >= 0 && n <= 9);
    buf_put_char(b, (char)('0' + n));
    buf_put_char(b, end);
}

uint64_t system_hash(const struct store_table *all, int count)
{
    ASSERT(all);
    ASSERT(count > 0);

    struct buf b = BUF_INIT;
    for (int t = 0; t < count; t++) {
        hash_text(&b, all[t].name);
        hash_text(&b, all[t].key);
        hash_digit(&b, all[t].tokens, ' ');
        hash_digit(&b, all[t].append_only, '\n');
        for (int i = 0; i < all[t].columns_count; i++) {
            const struct store_column *c = &all[t].columns[i];
            hash_text(&b, c->name);
            hash_text(&b, c->fallback);
            hash_digit(&b, (int)c->type, ' ');
            hash_digit(&b, c->not_null, '\n');
        }
        for (int i = 0; i < all[t].indexes_count; i++) {
            const struct store_index *x = &all[t].indexes[i];
            hash_text(&b, x->name);
            hash_text(&b, x->columns);
            hash_text(&b, x->where);
            hash_digit(&b, x->unique, '\n');
        }
    }
    uint64_t hash = hash_stable(buf_slice(&b));
    buf_release(&b);
    return hash;
}
