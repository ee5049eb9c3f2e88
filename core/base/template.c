/* template - see template.h: parsed into a tree once, then walked under a budget.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/template.h"

#include "base/limits.h"
#include "base/text.h"

enum node_type { NODE_TEXT, NODE_VALUE, NODE_RAW, NODE_IF, NODE_FOR };

struct node {
    enum node_type type;
    struct slice text; /* text; or the path; of NODE_FOR the list's */
    struct slice item; /* NODE_FOR: what an item is called */
    bool is_not;       /* NODE_IF */
    int line;
    struct node *first, *other; /* what is shown; what stands behind {{else}} */
    struct node *next;
};

struct template
{
    const char *name;
    struct node *first;
};

/* --- reading ------------------------------------------------------------------------------------
 */

struct parser {
    struct arena *arena;
    const char *name;
    struct slice rest;
    int line, depth;
    bool at_line_start; /* what was taken last ended a line */
    const char *why;
    enum err failed;
};

enum tag_type { TAG_NONE, TAG_VALUE, TAG_RAW, TAG_IF, TAG_FOR, TAG_ELSE, TAG_END, TAG_NOTE };

struct tag {
    enum tag_type type;
    struct slice path, item;
    bool is_not;
    int line;
};

static void complain(struct parser *p, int line, enum err e, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
static void complain(struct parser *p, int line, enum err e, const char *fmt, ...)
{
    va_list args;
    if (p->failed)
        return;
    va_start(args, fmt);
    p->why = arena_printf(p->arena, "%s:%d: %s", p->name, line, arena_vprintf(p->arena, fmt, args));
    va_end(args);
    p->failed = e;
}

static bool is_word(struct slice s, bool dots)
{
    bool fresh = true; /* a part begins here */
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (dots && c == '.' && !fresh) {
            fresh = true;
            continue;
        }
        if (!letter && (fresh || c < '0' || c > '9'))
            return false;
        fresh = false;
    }
    return !fresh;
}

static struct slice next_word(struct slice *rest)
{
    *rest = slice_trim(*rest);
    size_t n = 0;
    while (n < rest->len && !strchr(" \t\r\n", rest->at[n]))
        n++;
    struct slice word = slice_of(rest->at, n);
    *rest = slice_trim(slice_of(rest->at + n, rest->len - n));
    return word;
}

static void tag_read(struct parser *p, struct slice inside, struct tag *tag)
{
    struct slice all = slice_trim(inside), rest = all, word = next_word(&rest);
    *tag = (struct tag){.type = TAG_VALUE, .path = word, .line = p->line};
    if (all.len > 0 && all.at[0] == '#') {
        tag->type = TAG_NOTE;
        return;
    }
    if (slice_is(word, "else") || slice_is(word, "end")) {
        tag->type = slice_is(word, "end") ? TAG_END : TAG_ELSE;
    } else if (slice_is(word, "raw") && rest.len) {
        tag->type = TAG_RAW;
        tag->path = next_word(&rest);
    } else if (slice_is(word, "if") && rest.len) {
        tag->type = TAG_IF;
        tag->path = next_word(&rest);
        tag->is_not = slice_is(tag->path, "not") && rest.len > 0;
        if (tag->is_not)
            tag->path = next_word(&rest);
    } else if (slice_is(word, "for") && rest.len) {
        tag->type = TAG_FOR;
        tag->item = next_word(&rest);
        struct slice in = next_word(&rest);
        tag->path = next_word(&rest);
        if (!is_word(tag->item, false) || !slice_is(in, "in"))
            complain(p, p->line, ERR_MALFORMED, "a loop is written {{for item in items}}");
    }
    bool has_path = tag->type != TAG_ELSE && tag->type != TAG_END;
    if (rest.len || (has_path && !is_word(tag->path, true)))
        complain(p, p->line, ERR_MALFORMED, "{{" SLICE_FMT "}} is not understood",
                 SLICE_ARG(text_head(all, 60)));
}

static int lines_in(struct slice s)
{
    int count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += s.at[i] == '\n';
    return count;
}

/* Spaces of the line so far, when nothing else stands on it. */
static size_t indent_of(struct slice text, bool at_line_start)
{
    size_t n = text.len;
    while (n > 0 && (text.at[n - 1] == ' ' || text.at[n - 1] == '\t'))
        n--;
    bool alone = n == 0 ? at_line_start : text.at[n - 1] == '\n';
    return alone ? text.len - n : SIZE_MAX;
}

/* The rest of a line that holds nothing more, with its end; 0 when it holds something. */
static size_t blank_rest(struct slice rest)
{
    size_t n = 0;
    while (n < rest.len && (rest.at[n] == ' ' || rest.at[n] == '\t' || rest.at[n] == '\r'))
        n++;
    if (n == rest.len)
        return n;
    return rest.at[n] == '\n' ? n + 1 : 0;
}

/* The text in front of the next tag, and the tag; TAG_NONE at the end. */
static struct slice step(struct parser *p, struct tag *tag)
{
    ptrdiff_t open = slice_find(p->rest, SLICE("{{"));
    struct slice text = open < 0 ? p->rest : slice_of(p->rest.at, (size_t)open);
    bool at_line_start = p->at_line_start;
    *tag = (struct tag){.type = TAG_NONE};
    p->line += lines_in(text);
    if (open < 0) {
        p->rest = slice_of(p->rest.at + p->rest.len, 0);
        return text;
    }
    struct slice behind = slice_of(p->rest.at + open + 2, p->rest.len - (size_t)open - 2);
    ptrdiff_t close = slice_find(behind, SLICE("}}"));
    if (close < 0) {
        complain(p, p->line, ERR_MALFORMED, "{{ has no }}");
        return text;
    }
    struct slice inside = slice_of(behind.at, (size_t)close);
    tag_read(p, inside, tag);
    p->line += lines_in(inside);
    p->rest = slice_of(behind.at + close + 2, behind.len - (size_t)close - 2);
    p->at_line_start = false;
    if (tag->type == TAG_VALUE || tag->type == TAG_RAW)
        return text;
    size_t indent = indent_of(text, at_line_start), blank = blank_rest(p->rest);
    if (indent != SIZE_MAX && (blank || p->rest.len == 0)) {
        text.len -= indent;
        p->line += lines_in(slice_of(p->rest.at, blank));
        p->rest = slice_of(p->rest.at + blank, p->rest.len - blank);
        p->at_line_start = true;
    }
    return text;
}

static struct node *node_new(struct parser *p, struct node ***end, enum node_type type)
{
    struct node *node = arena_make(p->arena, struct node);
    node->type = type;
    node->line = p->line;
    **end = node;
    *end = &node->next;
    return node;
}

static void parse_nested(struct parser *p, struct node *node, const struct tag *tag);

/* Nodes up to {{else}} or {{end}} or the end of all, whichever came. */
static struct node *parse_nodes(struct parser *p, struct tag *tag)
{
    struct node *first = NULL, **end = &first;
    while (!p->failed) {
        struct slice text = step(p, tag);
        if (text.len)
            node_new(p, &end, NODE_TEXT)->text = text;
        if (tag->type == TAG_NONE || tag->type == TAG_ELSE || tag->type == TAG_END)
            break;
        if (tag->type == TAG_NOTE)
            continue;
        static const enum node_type types[] = {[TAG_VALUE] = NODE_VALUE,
                                               [TAG_RAW] = NODE_RAW,
                                               [TAG_IF] = NODE_IF,
                                               [TAG_FOR] = NODE_FOR};
        struct node *node = node_new(p, &end, types[tag->type]);
        node->text = tag->path;
        node->item = tag->item;
        node->is_not = tag->is_not;
        node->line = tag->line;
        if (tag->type == TAG_IF || tag->type == TAG_FOR)
            parse_nested(p, node, tag);
    }
    return first;
}

static void parse_nested(struct parser *p, struct node *node, const struct tag *tag)
{
    int line = tag->line;
    struct tag last = {.type = TAG_NONE};
    if (++p->depth > TEMPLATE_DEPTH_MAX) {
        complain(p, line, ERR_MALFORMED, "more than %d blocks in each other", TEMPLATE_DEPTH_MAX);
        return;
    }
    node->first = parse_nodes(p, &last);
    if (!p->failed && last.type == TAG_ELSE)
        node->other = parse_nodes(p, &last);
    if (!p->failed && last.type != TAG_END)
        complain(p, line, ERR_MALFORMED, "this block has no {{end}}");
    p->depth--;
}

enum err template_parse(struct arena *arena, const char *name, struct slice source,
                        const struct template **out, const char **why)
{
    ASSERT(arena && name && out && why);
    struct parser p = {
        .arena = arena, .name = name, .rest = source, .line = 1, .at_line_start = true};
    struct tag last = {.type = TAG_NONE};
    struct template *t = arena_make(arena, struct template);
    t->name = name;
    if (source.len > TEMPLATE_BYTES_MAX)
        complain(&p, 1, ERR_TOO_LARGE, "more than %d bytes", TEMPLATE_BYTES_MAX);
    else if (!text_is_utf8(source))
        complain(&p, 1, ERR_MALFORMED, "not UTF-8");
    if (!p.failed)
        t->first = parse_nodes(&p, &last);
    if (!p.failed && last.type != TAG_NONE)
        complain(&p, last.line, ERR_MALFORMED, "{{%s}} belongs to no block",
                 last.type == TAG_END ? "end" : "else");
    *why = p.why;
    *out = t;
    return p.failed;
}

/* --- what it asks for ---------------------------------------------------------------------------
 */

struct alias {
    struct slice item;
    const char *path; /* of the list it is an item of */
    const struct alias *outer;
};

struct lister {
    struct arena *arena;
    void (*cb)(void *arg, const char *path, bool raw, int line);
    void *arg;
};

static const char *path_of(struct lister *l, struct slice text, const struct alias *alias)
{
    struct slice rest = text, part = slice_split(&rest, '.');
    for (; alias; alias = alias->outer)
        if (slice_eq(alias->item, part))
            return arena_printf(l->arena, "%s%s" SLICE_FMT, alias->path, rest.len ? "." : "",
                                SLICE_ARG(rest));
    return arena_str(l->arena, text);
}

static void list_paths(struct lister *l, const struct node *node, const struct alias *alias)
{
    for (; node; node = node->next) {
        if (node->type == NODE_TEXT)
            continue;
        const char *path = path_of(l, node->text, alias);
        const struct alias inner = {node->item, path, alias};
        l->cb(l->arg, path, node->type == NODE_RAW, node->line);
        list_paths(l, node->first, node->type == NODE_FOR ? &inner : alias);
        list_paths(l, node->other, alias);
    }
}

void template_paths(struct arena *arena, const struct template *t,
                    void (*cb)(void *arg, const char *path, bool raw, int line), void *arg)
{
    ASSERT(arena && t && cb);
    struct lister lister = {arena, cb, arg};
    list_paths(&lister, t->first, NULL);
}

/* --- filling in ---------------------------------------------------------------------------------
 */

/* What a name means: the data, or an item of a loop around. */
struct scope {
    struct slice item; /* its name; empty: the data itself */
    const struct json *value;
    const struct scope *outer;
};

struct filler {
    struct arena *arena;
    const struct template *t;
    enum template_escape escape;
    struct buf *out;
    size_t from; /* where our part of out begins */
    int steps;
    const char *why;
};

static enum err stop(struct filler *f, const struct node *node, enum err e, const char *text)
{
    f->why = arena_printf(f->arena, "%s:%d: %s", f->t->name, node->line, text);
    return e;
}

static const char *nearest(const struct json *object, struct slice wanted)
{
    const struct json *best = NULL;
    int distance = 3;
    json_each(member, object)
    {
        int now = text_distance(wanted, member->key, 2);
        if (now < distance) {
            distance = now;
            best = member;
        }
    }
    return best ? best->key.at : NULL;
}

static enum err find(struct filler *f, const struct node *node, const struct scope *scope,
                     const struct json **out)
{
    struct slice rest = node->text, part = slice_split(&rest, '.');
    const struct json *value = NULL, *in = NULL;
    for (; scope && !value; scope = scope->outer) {
        if (scope->item.len) {
            value = slice_eq(scope->item, part) ? scope->value : NULL;
        } else {
            in = scope->value;
            value = json_get_slice(in, part);
        }
    }
    while (value && rest.len) {
        part = slice_split(&rest, '.');
        in = value;
        value = json_get_slice(in, part);
    }
    *out = value;
    if (value)
        return ERR_OK;
    const char *near = in ? nearest(in, part) : NULL;
    return stop(f, node, ERR_MALFORMED,
                arena_printf(f->arena, "there is no value \"" SLICE_FMT "\"%s%s%s",
                             SLICE_ARG(node->text), near ? " (did you mean \"" : "",
                             near ? near : "", near ? "\"?)" : ""));
}

static bool is_yes(const struct json *value)
{
    switch (value->type) {
    case JSON_NULL:
        return false;
    case JSON_BOOL:
        return value->boolean;
    case JSON_INT:
        return value->integer != 0;
    case JSON_STRING:
        return value->text.len > 0;
    case JSON_ARRAY:
        return value->count > 0;
    case JSON_REAL:
    case JSON_OBJECT:
        break;
    }
    return true;
}

static enum err put_value(struct filler *f, const struct node *node, const struct json *value)
{
    bool escaped = f->escape == TEMPLATE_HTML && node->type == NODE_VALUE;
    switch (value->type) {
    case JSON_NULL:
        return ERR_OK;
    case JSON_BOOL:
        buf_put_str(f->out, value->boolean ? "true" : "false");
        return ERR_OK;
    case JSON_INT:
    case JSON_REAL:
        json_put(f->out, value);
        return ERR_OK;
    case JSON_STRING:
        if (escaped)
            text_put_html(f->out, value->text);
        else
            buf_put_slice(f->out, value->text);
        return ERR_OK;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return stop(f, node, ERR_MALFORMED,
                arena_printf(f->arena, "\"" SLICE_FMT "\" is a list or a table: name a value of it",
                             SLICE_ARG(node->text)));
}

static enum err fill(struct filler *f, const struct node *node, const struct scope *scope);

static enum err fill_for(struct filler *f, const struct node *node, const struct scope *scope,
                         const struct json *list)
{
    enum err e = ERR_OK;
    if (list->type == JSON_NULL || (list->type == JSON_ARRAY && list->count == 0))
        return fill(f, node->other, scope);
    if (list->type != JSON_ARRAY)
        return stop(f, node, ERR_MALFORMED,
                    arena_printf(f->arena, "\"" SLICE_FMT "\" is no list", SLICE_ARG(node->text)));
    struct scope inner = {.item = node->item, .outer = scope};
    for (const struct json *item = list->first; item && !e; item = item->next) {
        inner.value = item;
        e = fill(f, node->first, &inner);
    }
    return e;
}

static enum err fill_one(struct filler *f, const struct node *node, const struct scope *scope)
{
    const struct json *value;
    if (++f->steps > TEMPLATE_STEPS_MAX)
        return stop(f, node, ERR_TOO_LARGE, "it takes more steps than it may");
    if (node->type == NODE_TEXT) {
        buf_put_slice(f->out, node->text);
        return ERR_OK;
    }
    enum err e = find(f, node, scope, &value);
    if (e)
        return e;
    if (node->type == NODE_IF)
        return fill(f, is_yes(value) != node->is_not ? node->first : node->other, scope);
    if (node->type == NODE_FOR)
        return fill_for(f, node, scope, value);
    return put_value(f, node, value);
}

/* A loop over nothing to show still takes a step for each item. */
static enum err fill(struct filler *f, const struct node *node, const struct scope *scope)
{
    enum err e = ERR_OK;
    f->steps++;
    for (; node && !e; node = node->next) {
        e = fill_one(f, node, scope);
        if (!e && f->out->len - f->from > TEMPLATE_OUT_BYTES_MAX)
            e = stop(f, node, ERR_TOO_LARGE, "it makes a longer text than it may");
    }
    return e;
}

enum err template_render(struct arena *arena, const struct template *t, const struct json *data,
                         enum template_escape escape, struct buf *out, const char **why)
{
    ASSERT(arena && t && out && why);
    struct filler f = {.arena = arena, .t = t, .escape = escape, .out = out, .from = out->len};
    struct scope scope = {.value = data};
    enum err e = fill(&f, t->first, &scope);
    if (e)
        buf_truncate(out, f.from);
    *why = f.why;
    return e;
}
