/* jsonschema - checks a document against a JSON Schema file of schemas/.
 *
 * The part of JSON Schema 2020-12 that our schemas use: type, enum, const, required, properties,
 * patternProperties, additionalProperties, propertyNames.pattern, items, minItems, maxItems,
 * uniqueItems, minimum, maximum, minLength, maxLength, pattern (POSIX extended), anyOf, oneOf,
 * allOf, $ref to "#/$defs/..". $schema, $id, $defs, $comment, title, description, default and
 * examples are for readers. Any other keyword is a BUG.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"

/* Complaint about a document: where (JSON pointer and source line) and what. */
struct jsonschema_fault {
    const char *pointer;
    int line;
    const char *what; /* "is not a known member (did you mean \"name\"?)" */
    struct jsonschema_fault *next;
};

/* Collects every fault (at most JSONSCHEMA_FAULTS_MAX). NULL = the document fits. */
const struct jsonschema_fault *jsonschema_check(struct arena *arena, const struct json *schema,
                                                const struct json *document);
