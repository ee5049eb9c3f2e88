/* vault_in - the keys in memory; private to vault*.c.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/vault.h"

#define VAULT_ID_LEN 16

enum vault_kind { VAULT_DATA, VAULT_INDEX };

struct vault_key {
    int64_t id, version, created_at_ms, retired_at_ms;
    enum vault_class class;
    enum vault_kind kind;
    bool is_retired, is_readable;
    uint8_t key[CRYPTO_KEY_LEN]; /* zeros unless readable */
};

struct vault {
    int64_t auth_version; /* of the store when it was read; -1: good for this one use */
    bool has_id;
    uint8_t id[VAULT_ID_LEN];
    struct vault_key *keys; /* owned; by class, kind, version */
    int count, room;
};

const char *vault_kind_name(enum vault_kind kind);
/* The keys as they stand in the store now, valid until the next call. ERR_TIMEOUT, ERR_IO. */
MUST_USE enum err vault_of(struct tenant *tenant, struct vault **out);
/* What has been written here is read anew; wipes what is in memory. */
void vault_forget(struct tenant *tenant);
/* The newest data key or the index key of a class; NULL. */
const struct vault_key *vault_find(const struct vault *vault, enum vault_class of,
                                   enum vault_kind kind, int64_t version);
/* In a write turn: writes one key wrapped by the master key, over the row `id` or as a new one. */
MUST_USE enum err vault_put(struct ctx *ctx, const uint8_t vault_id[VAULT_ID_LEN],
                            const struct vault_key *key);
