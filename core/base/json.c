/* json - see json.h: parsing, looking up, building; writing stands in json_write.c.
 *
 * jansson decides what is valid. A second, light walk over the accepted source, in step with the
 * tree, fills in what jansson forgets: the line of each node and the text of each real.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/json.h"

#include "base/limits.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* jansson and we like the same words. Its names are moved aside while its header is read; what
 * clashes at link time (json_equal, json_copy) neither jansson's parser nor we call across. */
#define json_type    jansson_type
#define JSON_OBJECT  JANSSON_OBJECT
#define JSON_ARRAY   JANSSON_ARRAY
#define JSON_STRING  JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL    JANSSON_REAL
#define JSON_TRUE    JANSSON_TRUE
#define JSON_FALSE   JANSSON_FALSE
#define JSON_NULL    JANSSON_NULL
#define json_equal   jansson_equal
#define json_copy    jansson_copy
#include <jansson.h>
#undef json_type
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_equal
#undef json_copy

/* --- Before jansson --- */

/* A place in the source, for complaints. */
struct place {
    int line, column;
};

/* What jansson does not refuse, and where it stands: brackets that open deeper than allowed, and
 * NUL bytes, which it drops behind numbers. NULL when all is well. Strings are skipped; whether
 * anything closes properly is jansson's question. */
static const char *source_fault(struct slice s, struct place *out)
{
    struct place at = {1, 0};
    int depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        at.column++;
        if (c == '\n')
            at = (struct place){at.line + 1, 0};
        if (c == '\0') {
            *out = at;
            return "a NUL byte";
        }
        if (in_string) {
            if (c == '\\')
                i++, at.column++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_DEPTH_MAX) {
                *out = at;
                return "nested too deeply";
            }
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return NULL;
}

/* --- From jansson's tree to ours --- */

/* The walk over the source. Everything it meets has been accepted by jansson. */
struct walk {
    struct arena *arena;
    const char *at, *end;
    int line;
};

static void walk_space(struct walk *w)
{
    for (; w->at < w->end; w->at++) {
        char c = *w->at;
        if (c == '\n')
            w->line++;
        else if (c != ' ' && c != '\t' && c != '\r')
            return;
    }
}

/* One byte of punctuation and the space around it. */
static void walk_mark(struct walk *w)
{
    walk_space(w);
    ASSERT(w->at < w->end);
    w->at++;
    walk_space(w);
}

static void walk_string(struct walk *w)
{
    ASSERT(w->at < w->end && *w->at == '"');
    for (w->at++; w->at < w->end && *w->at != '"'; w->at++) {
        if (*w->at == '\\')
            w->at++;
    }
    w->at++;
}

static struct slice walk_word(struct walk *w)
{
    const char *from = w->at;

    while (w->at < w->end && !strchr(",]} \t\r\n", *w->at))
        w->at++;
    return slice_of(from, (size_t)(w->at - from));
}

static struct json *node_from(struct walk *w, json_t *from);

static void items_from(struct walk *w, struct json *node, const json_t *from)
{
    size_t count = json_array_size(from);

    walk_mark(w);
    for (size_t i = 0; i < count; i++) {
        json_add(w->arena, node, NULL, node_from(w, json_array_get(from, i)));
        if (i + 1 < count)
            walk_mark(w);
    }
    walk_mark(w);
}

/* jansson keeps members in source order, so the walk meets them in the same order. */
static void members_from(struct walk *w, struct json *node, json_t *from)
{
    void *iter = json_object_iter(from);

    walk_mark(w);
    while (iter) {
        const char *key = json_object_iter_key(iter);
        walk_string(w);
        walk_mark(w);
        json_add(w->arena, node, key, node_from(w, json_object_iter_value(iter)));
        iter = json_object_iter_next(from, iter);
        if (iter)
            walk_mark(w);
    }
    walk_mark(w);
}

static void scalar_from(struct walk *w, struct json *node, const json_t *from)
{
    switch (json_typeof(from)) {
    case JANSSON_STRING:
        node->type = JSON_STRING;
        node->text =
            arena_slice(w->arena, slice_of(json_string_value(from), json_string_length(from)));
        walk_string(w);
        return;
    case JANSSON_INTEGER:
        node->type = JSON_INT;
        node->integer = json_integer_value(from);
        break;
    case JANSSON_REAL:
        node->type = JSON_REAL;
        node->real = json_real_value(from);
        node->text = arena_slice(w->arena, walk_word(w));
        return;
    case JANSSON_TRUE:
    case JANSSON_FALSE:
        node->type = JSON_BOOL;
        node->boolean = json_typeof(from) == JANSSON_TRUE;
        break;
    default:
        node->type = JSON_NULL;
        break;
    }
    walk_word(w);
}

static struct json *node_from(struct walk *w, json_t *from)
{
    struct json *node = arena_make(w->arena, struct json);

    walk_space(w);
    node->line = w->line;
    if (json_typeof(from) == JANSSON_OBJECT) {
        node->type = JSON_OBJECT;
        members_from(w, node, from);
    } else if (json_typeof(from) == JANSSON_ARRAY) {
        node->type = JSON_ARRAY;
        items_from(w, node, from);
    } else {
        scalar_from(w, node, from);
    }
    return node;
}

static void why_set(struct arena *arena, const char **why, struct place at, const char *text)
{
    if (why)
        *why = arena_printf(arena, "line %d column %d: %s", at.line, at.column, text);
}

/* jansson takes a failed allocation for a fault of the source: a sound request would be refused. */
static void *tree_alloc(size_t size)
{
    void *at = malloc(size);
    ASSERT_MEMORY(at);
    return at;
}

enum err json_parse(struct arena *arena, struct slice source, const struct json **out,
                    const char **why)
{
    struct place at = {1, 1};
    json_error_t fault;

    const char *early = source_fault(source, &at);
    if (early) {
        why_set(arena, why, at, early);
        return ERR_MALFORMED;
    }
    json_set_alloc_funcs(tree_alloc, free);
    json_t *tree = json_loadb(source.len ? source.at : "", source.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!tree) {
        char *near = strstr(fault.text, " near '"); /* may quote half a character */
        if (near && !text_is_utf8(slice_str(near)))
            *near = '\0';
        at = (struct place){fault.line, fault.column};
        const char *text = text_is_utf8(slice_str(fault.text)) ? fault.text : "not UTF-8";
        if (json_error_code(&fault) == json_error_null_character)
            text = "a text holds a zero character"; /* the library names a flag of its own */
        why_set(arena, why, at, text);
        return ERR_MALFORMED;
    }
    struct walk w = {arena, source.at, source.at + source.len, 1};
    *out = node_from(&w, tree);
    json_decref(tree);
    return ERR_OK;
}

static enum err file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    do {
        buf_reserve(out, JSON_READ_BYTES);
        n = read(fd, out->at + out->len, JSON_READ_BYTES);
        out->len += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && out->len <= JSON_FILE_BYTES_MAX) || (n < 0 && errno == EINTR));
    close(fd);
    if (n > 0)
        return ERR_TOO_LARGE;
    return n < 0 ? ERR_IO : ERR_OK;
}

static const char *unread_why(enum err e)
{
    switch (e) {
    case ERR_NOT_FOUND:
        return "the file is not there";
    case ERR_TOO_LARGE:
        return "the file is too large";
    default:
        return "the file cannot be read";
    }
}

enum err json_load(struct arena *arena, const char *path, const struct json **out, const char **why)
{
    struct buf source = BUF_INIT;
    enum err e = file_read(path, &source);

    if (e == ERR_OK)
        e = json_parse(arena, buf_slice(&source), out, why);
    else if (why)
        *why = unread_why(e);
    buf_release(&source);
    return e;
}

/* --- Looking up --- */

const struct json *json_get_slice(const struct json *object, struct slice key)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    json_each(member, object)
    {
        if (slice_eq(member->key, key))
            return member;
    }
    return NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return json_get_slice(object, slice_str(key));
}

const struct json *json_at(const struct json *array, int index)
{
    if (!array || array->type != JSON_ARRAY)
        return NULL;
    json_each(item, array)
    {
        if (index-- == 0)
            return item;
    }
    return NULL;
}

static const struct json *get_typed(const struct json *object, const char *key, enum json_type type)
{
    const struct json *member = json_get(object, key);

    return member && member->type == type ? member : NULL;
}

struct slice json_str(const struct json *object, const char *key, struct slice fallback)
{
    const struct json *member = get_typed(object, key, JSON_STRING);

    return member ? member->text : fallback;
}

const char *json_cstr(const struct json *object, const char *key, const char *fallback)
{
    const struct json *member = get_typed(object, key, JSON_STRING);

    return member ? member->text.at : fallback;
}

int64_t json_int(const struct json *object, const char *key, int64_t fallback)
{
    const struct json *member = get_typed(object, key, JSON_INT);

    return member ? member->integer : fallback;
}

bool json_bool(const struct json *object, const char *key, bool fallback)
{
    const struct json *member = get_typed(object, key, JSON_BOOL);

    return member ? member->boolean : fallback;
}

/* --- Building --- */

struct json *json_new(struct arena *arena, enum json_type type)
{
    struct json *node = arena_make(arena, struct json);

    node->type = type;
    node->text = SLICE("");
    return node;
}

struct json *json_new_str(struct arena *arena, struct slice s)
{
    struct json *node = json_new(arena, JSON_STRING);

    node->text = arena_slice(arena, s);
    return node;
}

struct json *json_new_int(struct arena *arena, int64_t n)
{
    struct json *node = json_new(arena, JSON_INT);

    node->integer = n;
    return node;
}

struct json *json_new_bool(struct arena *arena, bool b)
{
    struct json *node = json_new(arena, JSON_BOOL);

    node->boolean = b;
    return node;
}

struct json *json_new_real(struct arena *arena, double real)
{
    struct json *node = json_new(arena, JSON_REAL);

    node->real = real;
    return node;
}

void json_add(struct arena *arena, struct json *parent, const char *key, struct json *child)
{
    ASSERT(parent->type == JSON_OBJECT || parent->type == JSON_ARRAY);
    ASSERT((parent->type == JSON_OBJECT) == (key != NULL));
    ASSERT(!child->next);

    if (key)
        child->key = arena_slice(arena, slice_str(key));
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

struct json *json_copy(struct arena *arena, const struct json *node)
{
    struct json *copy = arena_make(arena, struct json);

    copy->type = node->type;
    copy->boolean = node->boolean;
    copy->integer = node->integer;
    copy->real = node->real;
    copy->line = node->line;
    if (node->text.at)
        copy->text = arena_slice(arena, node->text);
    json_each(child, node)
    {
        json_add(arena, copy, node->type == JSON_OBJECT ? child->key.at : NULL,
                 json_copy(arena, child));
    }
    return copy;
}

static bool members_equal(const struct json *a, const struct json *b)
{
    json_each(member, a)
    {
        const struct json *other = json_get_slice(b, member->key);
        if (!other || !json_equal(member, other))
            return false;
    }
    return true;
}

static bool items_equal(const struct json *a, const struct json *b)
{
    const struct json *other = b->first;

    json_each(item, a)
    {
        if (!json_equal(item, other))
            return false;
        other = other->next;
    }
    return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_INT:
        return a->integer == b->integer;
    case JSON_REAL:
        return a->real >= b->real && a->real <= b->real;
    case JSON_STRING:
        return slice_eq(a->text, b->text);
    case JSON_ARRAY:
        return items_equal(a, b);
    case JSON_OBJECT:
        return members_equal(a, b);
    }
    BUG("a node of no type");
}
