/* stmt - prepared statements of one connection: fixed, cached by their text, or used once.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sqlite3.h>

#include "base/slice.h"
#include "store/value.h"

struct db; /* db.h */

/* Statements with a fixed text: prepared once, never evicted, may touch the system tables. */
#define DB_FIXED_MAP(X)                                                                            \
    X(BEGIN_READ, "BEGIN DEFERRED")                                                                \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(SAVEPOINT, "SAVEPOINT s")                                                                    \
    X(RELEASE, "RELEASE s")                                                                        \
    X(ROLLBACK_TO, "ROLLBACK TO s")                                                                \
    X(HEADER, "SELECT core_version, model_version, auth_version, schema_hash"                      \
              " FROM perigee_header WHERE id = 1")                                                 \
    X(BUMP, "UPDATE perigee_header SET model_version = model_version + ?,"                         \
            " auth_version = auth_version + ? WHERE id = 1")                                       \
    X(HEAL, "UPDATE perigee_header SET heals = heals + 1 WHERE id = 1")                            \
    X(COUNTER, "INSERT INTO perigee_counter (name, n) VALUES (?1, ?2 + ?3)"                        \
               " ON CONFLICT (name) DO UPDATE SET n = n + ?3 RETURNING n")                         \
    X(TABLES, "SELECT name, key, append_only, tokens FROM perigee_table")                          \
    X(SCHEMA_VERSION, "PRAGMA schema_version")                                                     \
    X(INDEXES, "SELECT table_name, name, columns, sql FROM perigee_index WHERE table_name NOT IN"  \
               " (SELECT name FROM perigee_table WHERE tokens & 2) ORDER BY name DESC")            \
    X(NOTED, "SELECT columns FROM perigee_index WHERE name = ?1 AND table_name = ?1")              \
    X(UNIQUE, "SELECT name FROM perigee_index"                                                     \
              " WHERE table_name = ?1 AND columns = ?2 AND is_unique ORDER BY name LIMIT 1")

enum db_fixed {
#define X(name, sql) FIXED_##name,
    DB_FIXED_MAP(X)
#undef X
        FIXED_COUNT
};

struct stmt {
    sqlite3_stmt *handle; /* owned */
    char *sql;            /* owned; NULL for fixed ones */
    size_t len;
    size_t bytes; /* of memory, as prepared */
    uint64_t hash;
    uint64_t used_at; /* tick of the last use, for LRU */
    bool busy;        /* being stepped: a nested use of the same text gets its own statement */
    bool is_begun;    /* stepped since it was last released */
    bool cached;      /* lives in the cache; else freed when released */
    bool trusted;     /* may touch system tables */
};

struct bind {
    struct value value;
    size_t scratch_at; /* with `scratch`: where the text starts in db->scratch */
    bool scratch;
};

MUST_USE enum err stmt_fixed(struct db *db, enum db_fixed which, struct stmt **out);
MUST_USE enum err stmt_cached(struct db *db, struct slice sql, struct stmt **out);
MUST_USE enum err stmt_once(struct db *db, const char *sql, struct stmt **out); /* trusted */
/* Prepares it into `slot` unless it is there; it is never evicted. Not to be nested. */
MUST_USE enum err stmt_kept(struct db *db, struct stmt *slot, struct slice sql);
void stmt_drop(struct stmt *slot); /* what stands in such a slot; nothing is fine */
MUST_USE enum err stmt_bind(struct db *db, struct stmt *stmt, int at, const struct value *value);
/* *row tells whether a row stands ready. */
MUST_USE enum err stmt_step(struct db *db, struct stmt *stmt, bool *row);
/* Steps to the end, ignoring rows; releases. */
MUST_USE enum err stmt_run(struct db *db, struct stmt *stmt);
void stmt_release(struct db *db, struct stmt *stmt); /* resets; NULL is fine */
/* Keeps those of the cache that were used last, STATEMENTS_REST_BYTES of them. */
void stmt_rest(struct db *db);
void stmt_forget_all(struct db *db);
