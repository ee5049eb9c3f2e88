/* custom_doc - what administrators make without code, as one document.
 *
 *   { "entities": [ … ], "dictionaries": [ … ], "views": [ … ], "reports": [ … ], "roles": [ … ],
 *     "texts": { "zh-CN": { … }, "en": { … } },
 *     "templates": { "tickets.received.zh-CN.txt": "Subject: …", … } }
 *
 * Each part is what a plugin's folder of that name holds; the whole is the bundle CUSTOM_ID, which
 * is checked, activated and rolled back like any other. Numbers of fields are given here and never
 * twice: a field that is taken out stays as "retired", and is itself again, data included, when one
 * of its name and type comes back.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "tenant/pack.h"

#define CUSTOM_ID "tenant.custom"

/* The document that the deploy with this hash was made of; an empty one for NULL. */
MUST_USE enum err custom_read(struct call *call, const char *hash, const struct json **out);
/* Complains about what is no document at all; what is inside is judged by the model. */
MUST_USE enum err custom_check(struct call *call, const struct json *doc);
/* The draft as it would be published over `published`: numbers given, what is gone retired. A type
 * that was changed is complained about. */
MUST_USE enum err custom_settle(struct call *call, const struct json *published,
                                const struct json *doc, const struct json **out);
/* [{"part","name","change":"added|changed|removed","before","after"}] */
void custom_put_diff(struct arena *arena, const struct json *before, const struct json *after,
                     struct buf *out);
/* Texts that stand in for those of plugins: each has to belong to a template that is there, to be
 * one, and to ask for nothing that the plugin's own does not. */
MUST_USE enum err custom_check_templates(struct call *call, const struct json *doc);
/* The bundle's files. */
MUST_USE enum err custom_pack(struct arena *arena, const struct json *doc, const char *version,
                              struct pack *out, const char **why);
