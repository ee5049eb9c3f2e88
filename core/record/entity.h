/* entity - one kind of record: its fields, columns, indexes and number in the store.
 *
 * A record is stored in table "e<n>" (system entities: their own table) with the columns of
 * data.md section 10 followed by the fields' columns. Slots number the columns: a record in memory
 * is an array of values, one per slot.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/hash.h"
#include "record/field.h"
#include "store/store.h"

/* Slots every record begins with, in this order. */
#define ENTITY_SLOTS(X)                                                                            \
    X(ID, "id")                                                                                    \
    X(VERSION, "version")                                                                          \
    X(CREATED_AT, "created_at")                                                                    \
    X(UPDATED_AT, "updated_at")                                                                    \
    X(CREATED_BY, "created_by")                                                                    \
    X(UPDATED_BY, "updated_by")                                                                    \
    X(OWNER, "owner")                                                                              \
    X(TEAM, "team")                                                                                \
    X(DEPARTMENT, "department")                                                                    \
    X(DELETED_AT, "deleted_at")                                                                    \
    X(DELETE_BATCH, "delete_batch")                                                                \
    X(ORIGIN, "origin")
enum entity_slot {
#define X(name, column) SLOT_##name,
    ENTITY_SLOTS(X)
#undef X
        SLOT_FIELDS /* the first field's first column */
};

struct entity_index {
    const char *name;
    const char **fields; /* names, "-" prefix = descending */
    int fields_count;
    bool unique;
};

/* A reference as its target sees it. */
struct entity_ref {
    const struct entity *from;
    const struct field *field;
};

struct entity {
    const char *name, *plugin, *label, *label_plural, *icon;
    int n;             /* registry number; system entities negative */
    const char *table; /* "e12", "user" */
    const char *title; /* name of the title field */
    const struct field *title_field;
    bool has_owner, is_audited, is_system, is_append_only;
    bool is_private;       /* its owner's alone, whatever roles say: notifications */
    const char *parent;    /* child entity of lines[]: the ref field to its parent, or NULL */
    struct field **fields; /* declared + the system ones (id, created_at, owner …) first */
    int fields_count, fields_room; /* the room is private to the build */
    struct map by_name;            /* name → struct field * */
    const char **columns;          /* slot → column name */
    enum value_type *column_types;
    int slots; /* columns in all */
    struct entity_index *indexes;
    int indexes_count;
    bool has_search;             /* some field is searchable: a token table exists */
    const struct json *declared; /* merged declaration */
    int at;                      /* its place in model->entity_list */
    struct entity_referrer {     /* who points here, in order; see model_referrer */
        int from, field;         /* places: of the entity, and among its fields */
    } * referrers;
    int referrers_count;
};

/* System fields (id, version, owner …) have no registry number: they stand as -(slot + 1) in the
 * change log. */
const struct field *entity_field(const struct entity *entity, struct slice name);
const struct field *entity_field_by_n(const struct entity *entity, int n);
