/* model_share - models that several tenants of a process have in common; private to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/model.h"

struct build; /* model_build.h */

/* 128 bits under keys that this process has drawn: nobody can choose two that meet. */
struct share_key {
    uint64_t bits[2];
};

/* All that the declarations and what follows from them depend on, as one hash: the chosen plugins
 * and their files, the registry's numbers of them, the tenant's dictionary rows. */
struct share_keys {
    struct share_key whole, base; /* base: of the products alone */
    bool is_plain;                /* there is nothing else: both are the same */
};
MUST_USE enum err share_keys_of(struct build *b, struct share_keys *out);
/* What is kept under the key, once more in use; NULL if there is none. */
struct model_image *share_find(const struct share_key *key);
/* Keeps a model that is ready, whose arena it takes; in use once. `base`: what it lies on, of which
 * it takes one use, or NULL. */
struct model_image *share_put(const struct share_key *key, struct model *model,
                              struct model_image *base);
const struct model *share_model(const struct model_image *image);
/* In use once less. What nobody uses stays for a while, MODEL_IMAGES_IDLE_MAX of them. */
void share_release(struct model_image *image);
/* What would be idle without its one user; 0 where it has several. */
size_t share_own_bytes(const struct model_image *image);
/* How many are kept without a user; for tests. */
int share_idle(void);
