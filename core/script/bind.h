/* bind - what the bind_<noun>.c files share; private to this folder.
 *
 * Everything here runs inside a call and may raise. Stack effects stand as [-popped, +pushed].
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm_in.h"

struct blob_file; /* record/blob.h */
struct fetch;     /* outbound/fetch.h */
struct fetch_answer;

void luaopen_crm(lua_State *L, struct script *script);         /* [-0, +1] the crm table */
void luaopen_crm_context(lua_State *L, struct script *script); /* [-0, +1] a script's ctx */
void luaopen_crm_db(lua_State *L, struct script *script);      /* [-0, +1] ctx.db */
void luaopen_crm_event(lua_State *L);                          /* the rest: metatables. [-0, +0] */
void luaopen_crm_money(lua_State *L);
void luaopen_crm_decimal(lua_State *L);
void luaopen_crm_time(lua_State *L);
void luaopen_crm_worktime(lua_State *L);
int bind_money_new(lua_State *L);
int bind_decimal_new(lua_State *L);
int bind_date_new(lua_State *L);
int bind_datetime_new(lua_State *L);
int bind_worktime_new(lua_State *L);
int bind_sha256(lua_State *L);
int bind_token(lua_State *L);
int bind_matches(lua_State *L);
int bind_data(lua_State *L);
int bind_secret(lua_State *L); /* upvalue 1: struct script */
int bind_hmac_sha256(lua_State *L);
int bind_same(lua_State *L);
int bind_json_encode(lua_State *L);
int bind_json_decode(lua_State *L);
int bind_json_object(lua_State *L);
/* A text, a secret, or a list of them at `at`, put together in the arena; `what` names it in
 * complaints. In addresses secrets are percent-encoded. */
const char *bind_secret_text(lua_State *L, int at, const char *what, bool is_url);
/* The handle that ctx.config has for a setting of type secret. [-0, +1] */
void bind_secret_push(lua_State *L, const struct script *script, const char *setting);
/* Raises unless `at` is a table whose members are all of the `known` ones: `lacks`, such as
 * "crm.route has no", begins the sentence. Known names end with NULL. [-0, +0] */
void bind_members(lua_State *L, int at, const char *lacks, const char *const *known);
bool bind_declares(const struct script *script, const char *capability);
int bind_filter_check(lua_State *L);
/* Milliseconds of a table { hours, minutes, seconds, ms }; raises for anything else. */
int64_t bind_time_worked(lua_State *L, int at);
extern const luaL_Reg bind_tx[];                          /* of ctx; upvalue 1: struct script */
extern const luaL_Reg bind_fields[];                      /* likewise */
extern const luaL_Reg bind_mail[];                        /* likewise */
extern const luaL_Reg bind_notify[];                      /* likewise */
extern const luaL_Reg bind_document[];                    /* likewise */
extern const luaL_Reg bind_changes[];                     /* likewise */
void bind_http_push(lua_State *L, struct script *script); /* [-0, +1] ctx.http */
/* The call described by the table at 1, which has no members but the `known` ones; `fetch` has its
 * method. Counts as one of the call's. [-0, +0] */
void bind_http_take(lua_State *L, const struct script *script, const char *const *known,
                    struct fetch *fetch);
/* What came of it: the answer, or for job:await { error, name }. [-0, +1] */
void bind_http_answer(lua_State *L, const struct fetch_answer *answer, int64_t ms);
void bind_http_fault(lua_State *L, enum err e, const char *why);
int bind_on(lua_State *L); /* crm.on; upvalue 1: struct script */
/* The entity of that name; raises with a suggestion. */
const struct entity *bind_entity_named(lua_State *L, const char *name);
/* The entity named at `at`, NULL for "*"; raises with a suggestion. */
const struct entity *bind_entity(lua_State *L, int at);
int bind_function(lua_State *L, int at); /* a reference to the function at `at` */
/* A slot for it, for as long as the plan: what every registration keeps. */
int bind_slot(lua_State *L, struct script *script, int at);
/* The plan knows what this script registers: puts the function into its next slot. False where it
 * is to be registered now. */
bool bind_again(lua_State *L, struct script *script, int at);
int bind_route(lua_State *L);                              /* crm.route; upvalue 1: struct script */
int bind_job(lua_State *L);                                /* crm.job; upvalue 1: struct script */
int bind_check(lua_State *L);                              /* crm.check; likewise */
void luaopen_crm_kv(lua_State *L, struct script *script);  /* [-0, +1] ctx.kv */
void bind_queue_push(lua_State *L, struct script *script); /* ctx.queue. [-0, +1] */
/* A file that who asks may read; by_capability: or that hangs on a record of an entity the plugin
 * may read. False where there is none. */
bool bind_file(lua_State *L, const struct script *script, int64_t id, bool by_capability,
               struct blob_file *out);
/* May one more wait in that queue? To be asked once for each that is added: the queue itself is
 * counted once in a unit. */
bool bind_has_room(lua_State *L, const char *queue, int max);
/* The plugin's capability for an entity: "r", "rw" or "system"; NULL = none. */
const char *bind_capability(const struct script *script, const char *entity);
void bind_log_push(lua_State *L, struct script *script); /* [-0, +1] log.info … */

/* ev of a call. `params` may be NULL. [-0, +1] */
void event_push(lua_State *L, struct event *event, const struct json *params);
/* Sets `fail` and `abort` of the table on top, as ev has them. [-0, +0] */
void event_push_refusals(lua_State *L);
/* A handle to a record that lives as long as the running call. [-0, +1] */
struct record_handle {
    const struct entity *entity;
    struct record *record;      /* NULL: a row that was read */
    const struct value *values; /* NULL: record->now */
    uint32_t generation;
    int depth;
    bool is_own; /* the record of the event itself: before_* may change it */
};
void record_push(lua_State *L, const struct record_handle *handle);
struct record_handle *record_test(lua_State *L, int at); /* NULL if it is none; raises when dead */
/* The entity's field of that name; raises with a suggestion. */
const struct field *record_field(lua_State *L, const struct entity *entity, struct slice name);
/* "did you mean": the nearest name, or NULL. */
const char *record_suggest(const struct entity *entity, struct slice name);
/* Sets one field from the Lua value at `at`; what does not fit raises. */
void record_assign(lua_State *L, struct record *record, const struct field *field, int at);
/* The field's value of a whole row. [-0, +1] */
void record_push_value(lua_State *L, const struct field *field, const struct value *values);

struct decimal_box {
    int64_t units;
    int scale;
};
struct money_box {
    int64_t minor, rate; /* rate: the exchange rate it was stored with (10^-6), 0 = unknown */
    char currency[4];
};
struct time_box {
    int64_t at; /* datetime: UTC ms; date: days */
};
#define DECIMAL_META  "crm.decimal"
#define MONEY_META    "crm.money"
#define DATE_META     "crm.date"
#define DATETIME_META "crm.datetime"
#define WORKTIME_META "crm.calendar"
#define OBJECT_META   "crm.object"
void decimal_push(lua_State *L, int64_t units, int scale);
void money_push(lua_State *L, int64_t minor, struct slice currency);
/* The amount of a record: what is reckoned from it and stored has the same rate. */
void money_push_rated(lua_State *L, int64_t minor, struct slice currency, int64_t rate);
void date_push(lua_State *L, int64_t days);
void datetime_push(lua_State *L, int64_t ms);
