/* xml - a document as a tree that can be changed and written again.
 *
 * Names keep their prefixes as they stand. Comments and processing instructions are dropped; a
 * document type is refused, so nothing in a file can name another or grow by entities.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct xml_attribute {
    const char *name;
    struct slice value; /* unescaped */
    struct xml_attribute *next;
};

struct xml_node {
    const char *name; /* NULL: a text */
    struct slice text;
    struct xml_attribute *attributes;
    struct xml_node *parent, *first, *last, *next, *prev;
};

struct xml {
    struct arena *arena;
    int nodes; /* made so far, at most XML_NODES_MAX */
    bool is_full;
};

/* ERR_MALFORMED, ERR_TOO_LARGE with *why, which names the line. */
MUST_USE enum err xml_read(struct xml *xml, struct slice bytes, struct xml_node **root,
                           const char **why);
void xml_write(const struct xml_node *root, struct buf *out);

/* New nodes; behind XML_NODES_MAX they are made all the same and xml->is_full is set. */
struct xml_node *xml_text(struct xml *xml, struct slice text);
struct xml_node *xml_element(struct xml *xml, const char *name);
struct xml_node *xml_clone(struct xml *xml, const struct xml_node *node); /* without a parent */
void xml_append(struct xml_node *parent, struct xml_node *child);
void xml_insert_before(struct xml_node *at, struct xml_node *node);
void xml_remove(struct xml_node *node);
bool xml_is(const struct xml_node *node, const char *name);
/* The next node in document order, not leaving `top`; NULL at its end. */
struct xml_node *xml_next(const struct xml_node *top, const struct xml_node *node);
/* The next one that is not inside `node`. */
struct xml_node *xml_skip(const struct xml_node *top, const struct xml_node *node);
/* The nearest element of that name around the node, or NULL. */
struct xml_node *xml_around(const struct xml_node *node, const char *name);
