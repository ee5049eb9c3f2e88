/* xml - see xml.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/xml.h"

#include <expat.h>

#include "base/limits_document.h"

/* --- nodes --------------------------------------------------------------------------------------
 */

static struct xml_node *node_new(struct xml *xml)
{
    if (++xml->nodes > XML_NODES_MAX)
        xml->is_full = true;
    return arena_make(xml->arena, struct xml_node);
}

struct xml_node *xml_text(struct xml *xml, struct slice text)
{
    struct xml_node *node = node_new(xml);
    node->text = text;
    return node;
}

struct xml_node *xml_element(struct xml *xml, const char *name)
{
    struct xml_node *node = node_new(xml);
    node->name = name;
    return node;
}

void xml_append(struct xml_node *parent, struct xml_node *child)
{
    child->parent = parent;
    child->next = NULL;
    child->prev = parent->last;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

void xml_insert_before(struct xml_node *at, struct xml_node *node)
{
    node->parent = at->parent;
    node->next = at;
    node->prev = at->prev;
    if (at->prev)
        at->prev->next = node;
    else
        at->parent->first = node;
    at->prev = node;
}

void xml_remove(struct xml_node *node)
{
    if (node->prev)
        node->prev->next = node->next;
    else
        node->parent->first = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        node->parent->last = node->prev;
    node->parent = node->next = node->prev = NULL;
}

/* Attributes are never changed in place, so copies share them. */
struct xml_node *xml_clone(struct xml *xml, const struct xml_node *node)
{
    struct xml_node *copy = node_new(xml);
    copy->name = node->name;
    copy->text = node->text;
    copy->attributes = node->attributes;
    for (const struct xml_node *child = node->first; child && !xml->is_full; child = child->next)
        xml_append(copy, xml_clone(xml, child));
    return copy;
}

bool xml_is(const struct xml_node *node, const char *name)
{
    return node && node->name && strcmp(node->name, name) == 0;
}

struct xml_node *xml_skip(const struct xml_node *top, const struct xml_node *node)
{
    while (node && node != top) {
        if (node->next)
            return node->next;
        node = node->parent;
    }
    return NULL;
}

struct xml_node *xml_next(const struct xml_node *top, const struct xml_node *node)
{
    return node->first ? node->first : xml_skip(top, node);
}

struct xml_node *xml_around(const struct xml_node *node, const char *name)
{
    struct xml_node *at = node->parent;
    while (at && !xml_is(at, name))
        at = at->parent;
    return at;
}

/* --- reading ------------------------------------------------------------------------------------
 */

struct reading {
    struct xml *xml;
    XML_Parser parser;
    struct xml_node *root, *at;
    struct buf text;
    int depth;
    enum err e;
};

static void stop(struct reading *reader, enum err e)
{
    if (!reader->e)
        reader->e = e;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static void flush(struct reading *reader)
{
    if (reader->text.len && reader->at)
        xml_append(reader->at, xml_text(reader->xml,
                                        arena_slice(reader->xml->arena, buf_slice(&reader->text))));
    buf_clear(&reader->text);
    if (reader->xml->is_full)
        stop(reader, ERR_TOO_LARGE);
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reader = user;
    struct arena *arena = reader->xml->arena;
    flush(reader);
    if (++reader->depth > XML_DEPTH_MAX) {
        stop(reader, ERR_TOO_LARGE);
        return;
    }
    struct xml_node *node = xml_element(reader->xml, arena_strdup(arena, name));
    struct xml_attribute **end = &node->attributes;
    for (; *attributes; attributes += 2, end = &(*end)->next) {
        *end = arena_make(arena, struct xml_attribute);
        (*end)->name = arena_strdup(arena, attributes[0]);
        (*end)->value = arena_slice(arena, slice_str(attributes[1]));
    }
    if (reader->at)
        xml_append(reader->at, node);
    else
        reader->root = node;
    reader->at = node;
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    struct reading *reader = user;
    (void)name;
    flush(reader);
    reader->depth--;
    reader->at = reader->at->parent;
}

static void XMLCALL on_text(void *user, const XML_Char *text, int len)
{
    struct reading *reader = user;
    buf_put(&reader->text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    stop(user, ERR_MALFORMED);
}

enum err xml_read(struct xml *xml, struct slice bytes, struct xml_node **root, const char **why)
{
    ASSERT(xml && root && why);
    struct reading reader = {.xml = xml, .parser = XML_ParserCreate(NULL)};
    if (!reader.parser)
        BUG("out of memory");
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    bool is_read = bytes.len <= INT32_MAX &&
                   XML_Parse(reader.parser, bytes.at, (int)bytes.len, 1) == XML_STATUS_OK;
    if (!is_read) {
        enum err e = reader.e ? reader.e : ERR_MALFORMED;
        *why = arena_printf(
            xml->arena, "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(reader.parser),
            e == ERR_TOO_LARGE ? "it holds too much" : "this is no XML for documents");
        reader.e = e;
    }
    XML_ParserFree(reader.parser);
    buf_release(&reader.text);
    *root = reader.root;
    return reader.e;
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* What XML cannot hold (control characters) is left out. */
static void put_escaped(struct buf *out, struct slice text, bool is_attribute)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '&')
            buf_put_str(out, "&amp;");
        else if (c == '<')
            buf_put_str(out, "&lt;");
        else if (c == '>')
            buf_put_str(out, "&gt;");
        else if (c == '"' && is_attribute)
            buf_put_str(out, "&quot;");
        else if ((c == '\n' || c == '\t' || c == '\r') && is_attribute)
            buf_printf(out, "&#%d;", c);
        else if ((unsigned char)c >= 0x20 || c == '\n' || c == '\t')
            buf_put_char(out, c);
    }
}

static void put_open(const struct xml_node *node, struct buf *out)
{
    buf_put_char(out, '<');
    buf_put_str(out, node->name);
    for (const struct xml_attribute *a = node->attributes; a; a = a->next) {
        buf_put_char(out, ' ');
        buf_put_str(out, a->name);
        buf_put_str(out, "=\"");
        put_escaped(out, a->value, true);
        buf_put_char(out, '"');
    }
    buf_put_str(out, node->first ? ">" : "/>");
}

static void put_node(const struct xml_node *node, struct buf *out)
{
    if (!node->name) {
        put_escaped(out, node->text, false);
        return;
    }
    put_open(node, out);
    for (const struct xml_node *child = node->first; child; child = child->next)
        put_node(child, out);
    if (node->first) {
        buf_put_str(out, "</");
        buf_put_str(out, node->name);
        buf_put_char(out, '>');
    }
}

void xml_write(const struct xml_node *root, struct buf *out)
{
    ASSERT(root && out);
    buf_put_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n");
    put_node(root, out);
}
