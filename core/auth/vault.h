/* vault - a tenant's data keys, and what is kept under them.
 *
 * Each class of secrets has its own random keys: data keys (AES-256-GCM, numbered by version, the
 * newest seals) and one index key (HMAC-SHA-256) for looking up equal values without reading any.
 * They lie in table vault_key, wrapped by a key made from data/master.key and the vault's own
 * random id. What is sealed names its key's version and is bound to its place by associated data:
 * vault, class, entity, field and record. Moved to another record, field or tenant it does not
 * open.
 *
 * A class gets its keys with the first value sealed. Rotating makes a new data key; the old ones
 * are retired by whoever has sealed everything anew, and stay for what copies and undo lists hold.
 * The index key stays, or nothing would be found and unique values would clash no more.
 *
 * Gateways hold no master key: everything here is ERR_TIMEOUT there, by which a read is handed to a
 * runner. Keys that the master key does not open are ERR_KEYS_LOCKED.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/crypto.h"
#include "tenant/ctx.h"

#define VAULT_CLASSES(X)                                                                           \
    X(ID_CARD, "id_card")                                                                          \
    X(BANK_CARD, "bank_card")                                                                      \
    X(SECRET, "secret")                                                                            \
    X(CONFIG, "config")                                                                            \
    X(TOTP, "totp")
enum vault_class {
#define X(name, text) VAULT_##name,
    VAULT_CLASSES(X)
#undef X
        VAULT_CLASS_COUNT
};
const char *vault_class_name(enum vault_class of);

#define VAULT_FORMAT    1 /* the first byte of what is sealed: never the byte 0 */
#define VAULT_INDEX_LEN CRYPTO_SHA256_LEN

/* Where a value lies. The names are permanent ones: table and column, plugin and setting. */
struct vault_place {
    enum vault_class class;
    const char *entity, *field;
    int64_t record; /* 0 where there is only one */
};

/* In a write turn; appends to out, and makes the class's keys where there are none. */
MUST_USE enum err vault_seal(struct ctx *ctx, const struct vault_place *place, struct slice plain,
                             struct buf *out);
/* Appends the plain value. ERR_CORRUPT when it was not sealed for this place. */
MUST_USE enum err vault_open(struct ctx *ctx, const struct vault_place *place, struct slice sealed,
                             struct buf *out);
/* The blind index of a value: equal values of one field of one tenant have equal ones, whatever the
 * record. ERR_NOT_FOUND outside write turns while the class has no keys: no value is stored then.
 */
MUST_USE enum err vault_index(struct ctx *ctx, const struct vault_place *place, struct slice plain,
                              uint8_t out[VAULT_INDEX_LEN]);
/* The version of the data key; 0 for what vault_seal did not make. */
int64_t vault_version(struct slice sealed);
/* Version of the key that seals now; 0 = the class has none yet. */
MUST_USE enum err vault_current(struct tenant *tenant, enum vault_class of, int64_t *version);

struct vault_key_info {
    const char *class, *kind, *state; /* "data" or "index"; "active" or "retired" */
    int64_t version, created_at_ms, retired_at_ms;
    bool is_readable; /* the master key opens it */
};
/* All keys in the arena, by class, kind and version; never the keys themselves. */
MUST_USE enum err vault_list(struct tenant *tenant, struct arena *arena,
                             struct vault_key_info **out, int *count);
/* In a write turn: a new data key for every class that has one. Audited. */
MUST_USE enum err vault_rotate(struct ctx *ctx);
/* In a write turn: data keys older than the newest of their class seal nothing any more and nothing
 * that is live is sealed with them. Audited. */
MUST_USE enum err vault_retire(struct ctx *ctx);

/* The keys under a passphrase as JSON text, to travel beside a copy of the store; empty when there
 * are none. Slow by design: only in runners and commands. ERR_VALIDATION names "passphrase". */
MUST_USE enum err vault_pack(struct ctx *ctx, struct slice passphrase, struct buf *out);
/* Opens such a text, checks that it belongs to this store, and wraps the keys by this server's
 * master key: vault_unpack_open (slow) outside, vault_unpack_store inside a write turn.
 * ERR_VALIDATION on "passphrase" or "keys". */
struct vault_pack;
MUST_USE enum err vault_unpack_open(struct ctx *ctx, struct slice text, struct slice passphrase,
                                    struct vault_pack **out);
MUST_USE enum err vault_unpack_store(struct ctx *ctx, const struct vault_pack *pack);
