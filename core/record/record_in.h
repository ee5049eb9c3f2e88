/* record_in - what the files of record share; private to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"
#include "record/rights.h"

/* --- unit.c --- */

/* A record on its way through the phases; they form the chain that nested writes are checked by. */
struct unit_frame {
    const struct entity *entity;
    int64_t id;
    const char *verb;      /* "create", "update", "delete" */
    bool is_settled;       /* phase 5 and later: its handlers may write */
    bool is_core;          /* the core's own doing (cascades): not counted as a handler's write */
    struct unit_frame *up; /* set by unit_enter */
    const char *by;        /* likewise: the handler that writes it, or NULL */
};
/* ERR_PLUGIN with the chain in ctx->err.detail: too deep, too many, a record that is being saved
 * further up, or a write from a handler that may only read. */
MUST_USE enum err unit_enter(struct ctx *ctx, struct unit_frame *frame);
/* Hands e on, or the cap that was passed meanwhile. */
MUST_USE enum err unit_leave(struct ctx *ctx, struct unit_frame *frame, enum err e);
/* rights_make, kept for the unit. */
MUST_USE enum err unit_rights(struct ctx *ctx, const struct entity *entity, enum role_action action,
                              struct rights **out);

/* --- record_load.c --- */

const struct expr *record_is_live(struct arena *arena);
const struct expr *record_has_id(struct arena *arena, int64_t id);
/* All columns of the first row that matches, in the arena. ERR_NOT_FOUND. */
MUST_USE enum err record_read(struct ctx *ctx, const struct entity *entity,
                              const struct expr *where, struct value **out);
/* Ids that match, ascending, at most `limit`. */
MUST_USE enum err record_ids(struct ctx *ctx, const char *table, const struct expr *where,
                             int limit, int64_t **ids, int *count);
struct record *record_wrap(struct ctx *ctx, const struct entity *entity, struct value *values);
/* Visible to the actor, whatever the action? */
MUST_USE enum err record_is_visible(struct ctx *ctx, const struct entity *entity,
                                    const struct value *values, bool *out);
/* May this action be done with this row: ERR_NOT_FOUND where it cannot be seen, ERR_FORBIDDEN. */
MUST_USE enum err record_allows(struct ctx *ctx, const struct entity *entity,
                                enum role_action action, const struct value *values);

/* --- record_set.c --- */

/* Asked of every field of every save: most names differ in their first letters. */
static inline bool field_is(const struct field *field, const char *type)
{
    const char *name = field->type->name;
    return name[0] == type[0] && name[1] == type[1] && strcmp(name, type) == 0;
}
/* Does anything differ from what was loaded? */
bool record_differs(const struct record *record);
void record_put(struct record *record, int slot, struct value value);

/* --- record_check.c: phase 2 --- */

/* Complaints are collected; ERR_VALIDATION when there are any. */
MUST_USE enum err record_check(struct ctx *ctx, struct record *record);
/* --- record_ref.c --- */
MUST_USE enum err record_check_refs(struct ctx *ctx, struct record *record);
/* Team and department follow a new owner. */
MUST_USE enum err record_follow_owner(struct ctx *ctx, struct record *record);

/* --- record_file.c --- */

/* Files that a changed field names, hang on nothing and are the actor's, hang on the record now. */
MUST_USE enum err record_files(struct ctx *ctx, const struct record *record);

/* --- record_write.c: phase 4 --- */

MUST_USE enum err record_write(struct ctx *ctx, struct record *record);
/* Which record holds a unique value that `record` wants too: fills ctx->err and answers
 * ERR_CONFLICT. */
MUST_USE enum err record_conflict(struct ctx *ctx, const struct record *record);
/* ERR_VERSION with the stored version and record. */
MUST_USE enum err record_version_error(struct ctx *ctx, const struct entity *entity, int64_t id,
                                       int64_t version);
/* Fires unless nobody listens. */
MUST_USE enum err record_fire(struct ctx *ctx, struct record *record, enum hook_moment moment,
                              struct event *event);
/* Phase 6: rows of the outbox for after_commit handlers; op is create, update,
 * delete or restore. */
MUST_USE enum err record_outbox(struct ctx *ctx, struct record *record, const char *op);
