/* record - one record in memory and the one way to change it.
 *
 * record_save runs plugin-api.md section 3, phases 0-6, inside the caller's transaction and
 * savepoint: rights and types, before_* hooks, core checks, validate hooks, unique + numbers + SQL
 * + roll-ups + tokens + change log, after_* hooks. On any error the caller rolls its savepoint back
 * and nothing of it remains. Console, API, bulk, import and jobs all come through here.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/role.h"
#include "hook/hook.h"
#include "record/entity.h"

struct record {
    const struct entity *entity;
    struct value *now; /* entity->slots values */
    struct value *old; /* as loaded; NULL for a new record */
    uint8_t *changed;  /* per slot: set since load */
    bool is_new;
    bool is_alone; /* its save and nothing else stands in a savepoint: it may do without */
    enum record_phase { RECORD_OPEN, RECORD_CHECKED, RECORD_SAVED } phase; /* who may change it */
    uint32_t generation; /* moves when scripts' handles to it die */
    int64_t followed;    /* private: the owner whose team and department it has */
};

/* State of one unit of work: nested writes. Made by unit_begin for the outermost write. */
struct unit {
    const struct hooks *hooks;
    int depth, writes;
    int64_t saves;          /* outermost writes so far: limits of scripts begin anew with each */
    struct unit_frame *top; /* records being saved further up, for the cycle check and the chain */
    const char *handler;    /* "leads:score": the one that runs, for the chain; or NULL */
    int64_t change_seq;     /* last seq written in this unit */
    bool moved_auth, moved_model;
    struct record_computed *computed; /* how computed fields are evaluated (script/), may be NULL */
    bool skip_after; /* no after_* and transition handlers: imports may ask for it */
    struct ctx *ctx; /* of unit_begin: what is kept for the whole unit lives in its arena */
    struct unit_rights *kept; /* private: rights made once per entity and action */
    int64_t delete_batch;     /* private: of the deletion that is running, else 0 */
    enum err spoiled;         /* private: a cap was passed; nothing of the unit may be committed */
};

/* Evaluates a computed field in script/: fills values. Set once per VM. */
struct record_computed {
    enum err (*run)(struct ctx *ctx, const struct field *field, struct record *record, void *arg);
    void *arg;
};

/* Every write needs a unit: ctx->unit is set until unit_end. Hooks of a nested write that failed
 * may go on only after the script layer has rolled that write's savepoint back. */
void unit_begin(struct ctx *ctx, struct unit *unit, const struct hooks *hooks);
void unit_end(struct ctx *ctx);

/* A new record with defaults. */
MUST_USE enum err record_new(struct ctx *ctx, const struct entity *entity, struct record **out);
/* Loads for an action with row rights. ERR_NOT_FOUND when invisible, ERR_FORBIDDEN when visible but
 * the action is not granted on this row. */
MUST_USE enum err record_load(struct ctx *ctx, const struct entity *entity, int64_t id,
                              enum role_action action, struct record **out);
/* Applies a client's JSON object: unknown, read-only or forbidden fields are complaints. */
MUST_USE enum err record_set_json(struct ctx *ctx, struct record *record, const struct json *body);
/* Sets one field from JSON or from raw values (hooks, importer); no rights are asked. From
 * RECORD_CHECKED on ERR_PLUGIN: the record is read-only then. */
MUST_USE enum err record_set(struct ctx *ctx, struct record *record, const struct field *field,
                             const struct json *value);
MUST_USE enum err record_set_values(struct ctx *ctx, struct record *record,
                                    const struct field *field, const struct value *values);
bool record_field_changed(const struct record *record, const struct field *field);

/* Phases 0-6. `version` > 0: must be the stored one, else ERR_VERSION with "version" and "current"
 * in the error. A save that changes nothing writes nothing and fires nothing. A saved record is as
 * if it had been loaded anew. */
MUST_USE enum err record_save(struct ctx *ctx, struct record *record, int64_t version);
MUST_USE enum err record_delete(struct ctx *ctx, const struct entity *entity, int64_t id,
                                int64_t version);
/* Restores what was deleted together (delete batch), with the references that deleting cleared and
 * that are still empty; of more than DELETE_BATCH_MAX only this record. Asks validate_restore of
 * each and tells after_restore when all are there. ERR_CONFLICT names the winner of a unique. */
MUST_USE enum err record_restore(struct ctx *ctx, const struct entity *entity, int64_t id,
                                 struct record **out);
/* Removes for good, oldest first, at most `limit` records deleted more than DELETED_KEEP_MS ago. */
MUST_USE enum err record_purge(struct ctx *ctx, int limit, int *purged);
/* The whole record as the actor may see it; only id and version when it may not be read. What is
 * stored is shown as GET shows it, so a saved record comes with its lookups. */
MUST_USE enum err record_put_json(struct ctx *ctx, const struct record *record, struct buf *out);

/* Convenience: create/update from JSON in one savepoint, result JSON into out (may be NULL). */
MUST_USE enum err record_create_json(struct ctx *ctx, const struct entity *entity,
                                     const struct json *body, int64_t *id, struct buf *out);
MUST_USE enum err record_update_json(struct ctx *ctx, const struct entity *entity, int64_t id,
                                     const struct json *body, int64_t version, struct buf *out);
