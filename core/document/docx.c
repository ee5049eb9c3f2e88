/* docx - see docx.h.
 *
 * First every paragraph is tidied: a place that Word has split lies in one piece of text again, and
 * each mark of a section ({{#…}}, {{^…}}, {{/…}}) has a run of its own. Then one walk in document
 * order fills in values and repeats sections; what was filled in is never looked at again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/docx.h"

#include "base/limits_document.h"
#include "document/docx_in.h"
#include "document/package.h"
#include "document/xml.h"

struct fill {
    struct xml xml;
    enum lang lang;
    const char *part;
    const char **why;
    int tags, nesting;
};

static enum err refuse(struct fill *fill, struct slice tag, const char *sentence)
{
    *fill->why =
        arena_printf(fill->xml.arena, "%s: %.*s: %s", fill->part,
                     (int)(tag.len < 80 ? tag.len : 80), tag.at, docx_say(fill->lang, sentence));
    return ERR_MALFORMED;
}

static enum err refuse_size(struct fill *fill)
{
    *fill->why = arena_printf(fill->xml.arena, "%s: %s", fill->part,
                              docx_say(fill->lang, "it becomes too large"));
    return ERR_TOO_LARGE;
}

/* --- places -------------------------------------------------------------------------------------
 */

struct tag {
    struct slice whole; /* {{ … }} as it stands */
    char mark;          /* # ^ / or 0: a value */
    struct slice name, form;
};

/* The first place at or behind `from`; false when there is none. An open one: whole.len 0. */
static bool tag_find(struct slice text, size_t from, struct slice *out)
{
    for (size_t i = from; i + 1 < text.len; i++) {
        if (text.at[i] != '{' || text.at[i + 1] != '{')
            continue;
        for (size_t k = i + 2; k + 1 < text.len; k++)
            if (text.at[k] == '}' && text.at[k + 1] == '}') {
                *out = slice_of(text.at + i, k + 2 - i);
                return true;
            }
        *out = slice_of(text.at + i, 0);
        return true;
    }
    return false;
}

static bool is_name(struct slice s)
{
    bool fits = s.len > 0;
    for (size_t i = 0; i < s.len && fits; i++) {
        char c = s.at[i];
        fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.';
    }
    return fits && (s.len == 1 || (s.at[0] != '.' && s.at[s.len - 1] != '.'));
}

static enum err tag_read(struct fill *fill, struct slice whole, struct tag *out)
{
    *out = (struct tag){.whole = whole};
    struct slice inner = slice_trim(slice_of(whole.at + 2, whole.len - 4));
    if (inner.len && strchr("#^/", inner.at[0])) {
        out->mark = inner.at[0];
        inner = slice_trim(slice_of(inner.at + 1, inner.len - 1));
    }
    out->name = slice_split(&inner, '|');
    out->name = slice_trim(out->name);
    out->form = slice_trim(inner);
    if (inner.len > DOCX_PLACEHOLDER_BYTES || out->name.len > DOCX_PLACEHOLDER_BYTES ||
        !is_name(out->name) || (out->form.len && (out->mark || !is_name(out->form))))
        return refuse(fill, whole, "this is no place that could be filled");
    return ERR_OK;
}

/* --- pieces of text -----------------------------------------------------------------------------
 */

static struct slice text_of(const struct xml_node *t)
{
    return t->first && !t->first->name ? t->first->text : slice_of("", 0);
}

static void set_text(struct fill *fill, struct xml_node *t, struct slice text)
{
    static struct xml_attribute preserve = {"xml:space", {"preserve", 8}, NULL};
    t->attributes = &preserve;
    t->first = t->last = NULL;
    if (text.len)
        xml_append(t, xml_text(&fill->xml, text));
}

/* An empty run that looks like that one. */
static struct xml_node *run_like(struct fill *fill, const struct xml_node *run)
{
    struct xml_node *copy = xml_element(&fill->xml, run->name);
    copy->attributes = run->attributes;
    if (xml_is(run->first, "w:rPr"))
        xml_append(copy, xml_clone(&fill->xml, run->first));
    return copy;
}

static void append_text(struct fill *fill, struct xml_node *run, struct slice text)
{
    struct xml_node *t = xml_element(&fill->xml, "w:t");
    set_text(fill, t, text);
    xml_append(run, t);
}

/* What stands in front of the mark, and the mark, move into runs of their own. */
static void split_run(struct fill *fill, struct xml_node *t, struct slice mark)
{
    struct xml_node *run = t->parent, *before = run_like(fill, run), *own = run_like(fill, run);
    struct slice text = text_of(t);
    size_t at = (size_t)(mark.at - text.at);
    struct xml_node *child = xml_is(run->first, "w:rPr") ? run->first->next : run->first;
    while (child != t) {
        struct xml_node *next = child->next;
        xml_remove(child);
        xml_append(before, child);
        child = next;
    }
    if (at)
        append_text(fill, before, slice_of(text.at, at));
    append_text(fill, own, mark);
    xml_insert_before(run, before);
    xml_insert_before(run, own);
    set_text(fill, t, slice_of(mark.at + mark.len, text.len - at - mark.len));
}

static bool is_mark(struct slice whole)
{
    size_t i = 2;
    while (i < whole.len && whole.at[i] == ' ')
        i++;
    return i < whole.len && strchr("#^/", whole.at[i]);
}

static void split_marks(struct fill *fill, struct xml_node *t)
{
    struct slice whole;
    size_t from = 0;
    while (!fill->xml.is_full && tag_find(text_of(t), from, &whole) && whole.len) {
        if (is_mark(whole) && xml_is(t->parent, "w:r")) {
            split_run(fill, t, whole);
            from = 0;
        } else {
            from = (size_t)(whole.at + whole.len - text_of(t).at);
        }
    }
}

/* --- tidying ------------------------------------------------------------------------------------
 */

struct piece {
    struct xml_node *t;
    size_t end; /* in the text of the paragraph */
};

/* The pieces of the paragraph's own text, and all of it together. */
static int pieces_of(struct fill *fill, struct xml_node *p, struct buf *all, struct piece **out)
{
    int count = 0;
    for (struct xml_node *n = p; n; n = xml_next(p, n))
        count += xml_is(n, "w:t");
    struct piece *pieces = arena_array(fill->xml.arena, struct piece, (size_t)count + 1);
    count = 0;
    for (struct xml_node *n = p; n; n = xml_next(p, n)) {
        if (!xml_is(n, "w:t") || xml_around(n, "w:p") != p)
            continue;
        buf_put_slice(all, text_of(n));
        pieces[count++] = (struct piece){n, all->len};
    }
    *out = pieces;
    return count;
}

static enum err tidy(struct fill *fill, struct xml_node *p)
{
    struct buf all = BUF_INIT;
    struct piece *pieces;
    int count = pieces_of(fill, p, &all, &pieces);
    struct slice text = arena_slice(fill->xml.arena, buf_slice(&all)), whole;
    buf_release(&all);
    size_t from = 0;
    if (!tag_find(text, 0, &whole))
        return ERR_OK;
    for (size_t at = 0; tag_find(text, at, &whole); at = (size_t)(whole.at + whole.len - text.at)) {
        if (!whole.len)
            return refuse(fill, slice_of(whole.at, text.len - (size_t)(whole.at - text.at)),
                          "}} is missing");
        if (++fill->tags > DOCX_TAGS_MAX)
            return refuse(fill, whole, "there are too many places to fill");
        size_t begins = (size_t)(whole.at - text.at), ends = begins + whole.len;
        for (int i = 0; i < count; i++) /* it lies where it begins, whole */
            if (pieces[i].end > begins && pieces[i].end < ends)
                pieces[i].end = ends;
    }
    for (int i = 0; i < count; i++) {
        size_t end = pieces[i].end > from ? pieces[i].end : from;
        set_text(fill, pieces[i].t, slice_of(text.at + from, end - from));
        from = end;
    }
    for (int i = 0; i < count; i++)
        split_marks(fill, pieces[i].t);
    return fill->xml.is_full ? refuse_size(fill) : ERR_OK;
}

static enum err tidy_all(struct fill *fill, struct xml_node *root)
{
    for (struct xml_node *n = root; n; n = xml_next(root, n)) {
        enum err e = xml_is(n, "w:p") ? tidy(fill, n) : ERR_OK;
        if (e)
            return e;
    }
    return ERR_OK;
}

/* --- values -------------------------------------------------------------------------------------
 */

/* Lines of a value become lines of the document. */
static void put_lines(struct fill *fill, struct xml_node *t, struct slice text)
{
    struct slice rest = text;
    while (memchr(rest.at, '\n', rest.len)) {
        struct xml_node *line = xml_element(&fill->xml, "w:t");
        set_text(fill, line, slice_split(&rest, '\n'));
        xml_insert_before(t, line);
        xml_insert_before(t, xml_element(&fill->xml, "w:br"));
    }
    set_text(fill, t, rest);
}

static enum err fill_values(struct fill *fill, struct xml_node *t, const struct docx_scope *scope)
{
    struct slice text = text_of(t), whole;
    struct buf out = BUF_INIT;
    size_t from = 0;
    enum err e = ERR_OK;
    while (!e && tag_find(text, from, &whole) && whole.len) {
        struct tag tag;
        const char *why = "there is no such value";
        buf_put(&out, text.at + from, (size_t)(whole.at - text.at) - from);
        from = (size_t)(whole.at + whole.len - text.at);
        e = tag_read(fill, whole, &tag);
        const struct json *value = e ? NULL : docx_find(scope, tag.name);
        if (!e && (!value || !docx_put_value(&out, value, tag.form, fill->lang, &why)))
            e = refuse(fill, whole, why);
    }
    if (!e && from) {
        buf_put(&out, text.at + from, text.len - from);
        put_lines(fill, t, arena_slice(fill->xml.arena, buf_slice(&out)));
    }
    buf_release(&out);
    return e;
}

/* --- sections -----------------------------------------------------------------------------------
 */

struct section {
    struct tag tag;
    struct xml_node *open, *close;       /* the pieces of text that hold the marks */
    struct xml_node *parent, *from, *to; /* what is repeated: children of parent, both included */
};

static bool mark_of(struct fill *fill, const struct xml_node *n, struct tag *out, enum err *e)
{
    struct slice whole;
    if (!xml_is(n, "w:t") || !tag_find(text_of(n), 0, &whole) || !whole.len || !is_mark(whole))
        return false;
    *e = tag_read(fill, whole, out);
    return !*e;
}

static enum err find_close(struct fill *fill, const struct xml_node *top, struct section *section)
{
    int depth = 1;
    enum err e = ERR_OK;
    for (struct xml_node *n = xml_skip(top, section->open); n; n = xml_next(top, n)) {
        struct tag tag;
        if (!mark_of(fill, n, &tag, &e)) {
            if (e)
                return e;
            continue;
        }
        depth += tag.mark == '/' ? -1 : 1;
        if (depth)
            continue;
        if (!slice_eq(tag.name, section->tag.name))
            return refuse(fill, tag.whole, "another section is open here");
        section->close = n;
        return ERR_OK;
    }
    return refuse(fill, section->tag.whole, "this section is not closed");
}

static struct xml_node *child_towards(struct xml_node *parent, struct xml_node *node)
{
    while (node->parent != parent)
        node = node->parent;
    return node;
}

static bool is_inside(const struct xml_node *node, const struct xml_node *around)
{
    while (node && node != around)
        node = node->parent;
    return node != NULL;
}

static void find_extent(struct section *section)
{
    struct xml_node *common = section->open->parent;
    while (!is_inside(section->close, common))
        common = common->parent;
    section->from = child_towards(common, section->open);
    section->to = child_towards(common, section->close);
    if (xml_is(common, "w:tr") && common->parent) { /* from cell to cell: the row */
        section->from = section->to = common;
        common = common->parent;
    }
    section->parent = common;
}

static bool has_content(const struct xml_node *p)
{
    for (const struct xml_node *n = p; n; n = xml_next(p, n))
        if ((xml_is(n, "w:t") && text_of(n).len) || xml_is(n, "w:drawing") || xml_is(n, "w:pict") ||
            xml_is(n, "w:object") || xml_is(n, "w:sectPr"))
            return true;
    return false;
}

/* Takes a mark away, and the paragraph that held nothing else. */
static void drop_mark(struct section *section, struct xml_node *t)
{
    struct xml_node *run = t->parent, *p = xml_around(t, "w:p");
    bool is_first = section->from == run, is_last = section->to == run;
    struct xml_node *gone = run;
    xml_remove(t);
    if (!is_first && !is_last && p && p->parent == section->parent && !has_content(p))
        gone = p;
    is_first = section->from == gone;
    is_last = section->to == gone;
    if (is_first && is_last)
        section->from = section->to = NULL;
    else if (is_first)
        section->from = gone->next;
    else if (is_last)
        section->to = gone->prev;
    xml_remove(gone);
}

/* A table without rows goes; a cell ends with a paragraph. */
static void mend(struct fill *fill, struct xml_node *parent)
{
    if (xml_is(parent, "w:tbl")) {
        struct xml_node *row = parent->first;
        while (row && !xml_is(row, "w:tr"))
            row = row->next;
        struct xml_node *around = parent->parent;
        if (row || !around)
            return;
        xml_remove(parent);
        parent = around;
    }
    if (xml_is(parent, "w:tc") && !xml_is(parent->last, "w:p"))
        xml_append(parent, xml_element(&fill->xml, "w:p"));
}

static enum err fill_tree(struct fill *fill, struct xml_node *top, const struct docx_scope *scope);

static enum err put_once(struct fill *fill, const struct xml_node *kept, struct xml_node *marker,
                         const struct docx_scope *scope)
{
    struct xml_node *copy = xml_clone(&fill->xml, kept);
    enum err e = fill->xml.is_full ? refuse_size(fill) : fill_tree(fill, copy, scope);
    while (!e && copy->first) {
        struct xml_node *node = copy->first;
        xml_remove(node);
        xml_insert_before(marker, node);
    }
    return e;
}

static enum err put_section(struct fill *fill, const struct section *section,
                            const struct xml_node *kept, struct xml_node *marker,
                            const struct docx_scope *scope)
{
    const struct json *value = docx_find(scope, section->tag.name);
    if (!value)
        return refuse(fill, section->tag.whole, "there is no such value");
    bool is_some = docx_is_some(value);
    if (section->tag.mark == '^')
        return is_some ? ERR_OK : put_once(fill, kept, marker, scope);
    if (!is_some)
        return ERR_OK;
    struct docx_scope inner = {value, scope};
    if (value->type != JSON_ARRAY)
        return put_once(fill, kept, marker, value->type == JSON_OBJECT ? &inner : scope);
    enum err e = ERR_OK;
    for (inner.item = value->first; inner.item && !e; inner.item = inner.item->next)
        e = put_once(fill, kept, marker, &inner);
    return e;
}

/* *behind: where the walk goes on. */
static enum err fill_section(struct fill *fill, struct xml_node *top, struct section *section,
                             const struct docx_scope *scope, struct xml_node **behind)
{
    if (++fill->nesting > DOCX_NESTING_MAX)
        return refuse(fill, section->tag.whole, "sections are nested too deep");
    enum err e = find_close(fill, top, section);
    if (e)
        return e;
    find_extent(section);
    struct xml_node *marker = xml_text(&fill->xml, slice_of("", 0));
    struct xml_node *kept = xml_element(&fill->xml, "kept"), *end = section->to->next;
    if (end)
        xml_insert_before(end, marker);
    else
        xml_append(section->parent, marker);
    drop_mark(section, section->open);
    drop_mark(section, section->close);
    for (struct xml_node *n = section->from; n && n != marker;) {
        struct xml_node *next = n == section->to ? NULL : n->next;
        xml_remove(n);
        xml_append(kept, n);
        n = next;
    }
    e = put_section(fill, section, kept, marker, scope);
    fill->nesting--;
    *behind = xml_skip(top, marker);
    xml_remove(marker);
    if (!e && section->parent != top)
        mend(fill, section->parent);
    return e;
}

static enum err fill_tree(struct fill *fill, struct xml_node *top, const struct docx_scope *scope)
{
    enum err e = ERR_OK;
    for (struct xml_node *n = top; n && !e;) {
        struct section section = {.open = n};
        if (mark_of(fill, n, &section.tag, &e)) {
            if (section.tag.mark == '/')
                return refuse(fill, section.tag.whole, "no such section is open");
            e = fill_section(fill, top, &section, scope, &n);
            continue;
        }
        struct xml_node *next = xml_next(top, n);
        if (!e && xml_is(n, "w:t"))
            e = fill_values(fill, n, scope);
        n = next;
    }
    if (!e && fill->xml.is_full)
        e = refuse_size(fill);
    return e;
}

/* --- parts --------------------------------------------------------------------------------------
 */

static bool is_filled(const char *name)
{
    struct slice s = slice_str(name);
    return slice_is(s, "word/document.xml") ||
           (slice_ends(s, SLICE(".xml")) &&
            (slice_starts(s, SLICE("word/header")) || slice_starts(s, SLICE("word/footer"))));
}

static enum err fill_part(struct arena *arena, struct package_part *part, const struct json *data,
                          enum lang lang, const char **why)
{
    struct fill fill = {.xml = {.arena = arena}, .lang = lang, .part = part->name, .why = why};
    struct xml_node *root;
    const char *wrong = "";
    enum err e = xml_read(&fill.xml, part->bytes, &root, &wrong);
    if (e) {
        *why = arena_printf(arena, "%s: %s", part->name, wrong);
        return e;
    }
    const struct docx_scope scope = {data, NULL};
    e = tidy_all(&fill, root);
    if (!e)
        e = fill_tree(&fill, root, &scope);
    if (e)
        return e;
    struct buf out = BUF_INIT;
    xml_write(root, &out);
    bool fits = out.len <= PACKAGE_BYTES_MAX;
    if (fits)
        part->bytes = arena_slice(arena, buf_slice(&out));
    buf_release(&out);
    return fits ? ERR_OK : refuse_size(&fill);
}

enum err docx_fill(struct arena *arena, struct slice file, const struct json *data, enum lang lang,
                   struct buf *out, const char **why)
{
    ASSERT(arena && data && out && why);
    struct package package;
    enum err e = package_read(arena, file, &package, why);
    if (e) {
        *why = *why ? docx_say(lang, *why) : NULL;
        return e;
    }
    if (!package_find(&package, "word/document.xml")) {
        *why = docx_say(lang, "The file is no Word document.");
        return ERR_MALFORMED;
    }
    for (int i = 0; i < package.count && !e; i++)
        if (is_filled(package.parts[i].name))
            e = fill_part(arena, &package.parts[i], data, lang, why);
    if (!e && package_write(&package, out)) {
        *why = docx_say(lang, "The document could not be packed.");
        e = ERR_IO;
    }
    return e;
}
