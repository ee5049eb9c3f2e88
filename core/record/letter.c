/* letter - see letter.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/letter.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/template.h"
#include "tenant/folder.h"

#define SUBJECT "Subject:"

/* --- files --------------------------------------------------------------------------------------
 */

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!fine)
            return false;
    }
    return s.len > 0 && s.len <= NAME_BYTES_MAX;
}

static const struct plugin *find_plugin(const struct model *model, struct slice id)
{
    for (int i = 0; i < model->plugins_count; i++)
        if (!model->plugins[i]->broken && slice_is(id, model->plugins[i]->id))
            return model->plugins[i];
    return NULL;
}

/* ERR_NOT_FOUND where there is no file. One byte more than allowed is read, to see it. */
static enum err read_file(struct arena *arena, const char *path, struct slice *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    char *room = arena_alloc(arena, TEMPLATE_BYTES_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len <= TEMPLATE_BYTES_MAX) {
        n = read(fd, room + len, TEMPLATE_BYTES_MAX + 1 - len);
        if (n > 0)
            len += (size_t)n;
    }
    close(fd);
    *out = slice_of(room, len);
    return n < 0 ? ERR_IO : ERR_OK;
}

struct file {
    const char *name; /* "leads/templates/welcome.en.txt" */
    enum lang lang;
    bool is_own; /* the company's */
    struct slice source;
};

static const char *const tags[] = {[LANG_ZH] = "zh-CN", [LANG_EN] = "en"};

static enum err find_in(struct arena *arena, const struct plugin *plugin, const char *name,
                        enum lang lang, const char *ending, struct file *out)
{
    const char *below = arena_printf(arena, "templates/%s.%s%s", name, tags[lang], ending);
    out->name = arena_printf(arena, "%s/%s", plugin->id, below);
    out->lang = lang;
    return read_file(arena, arena_printf(arena, "%s/%s", plugin->folder, below), &out->source);
}

/* What the company wrote instead, in the bundle that was loaded last. */
static enum err find_own(struct ctx *ctx, const struct plugin *of, struct slice name,
                         enum lang lang, const char *ending, struct file *out)
{
    const struct model *model = ctx->model;
    const char *full = arena_printf(ctx->arena, "%s." SLICE_FMT, of->id, SLICE_ARG(name));
    out->is_own = true;
    for (int i = model->plugins_count - 1; i >= 0; i--) {
        const struct plugin *plugin = model->plugins[i];
        if (plugin->broken || plugin->layer != PLUGIN_TENANT)
            continue;
        enum err e = find_in(ctx->arena, plugin, full, lang, ending, out);
        if (e != ERR_NOT_FOUND)
            return e;
    }
    return ERR_NOT_FOUND;
}

static enum err find_file(struct ctx *ctx, const struct plugin *plugin, struct slice name,
                          enum lang lang, const char *ending, bool own, struct file *out)
{
    *out = (struct file){0};
    enum err e = own ? find_own(ctx, plugin, name, lang, ending, out) : ERR_NOT_FOUND;
    if (e != ERR_NOT_FOUND)
        return e;
    out->is_own = false;
    return find_in(ctx->arena, plugin, arena_str(ctx->arena, name), lang, ending, out);
}

/* In the wanted language, else in the other. */
static enum err find_any(struct ctx *ctx, const struct plugin *plugin, struct slice name,
                         enum lang lang, const char *ending, bool own, struct file *out)
{
    enum err e = find_file(ctx, plugin, name, lang, ending, own, out);
    enum lang other = lang == LANG_ZH ? LANG_EN : LANG_ZH;
    return e == ERR_NOT_FOUND ? find_file(ctx, plugin, name, other, ending, own, out) : e;
}

/* --- filling in ---------------------------------------------------------------------------------
 */

static enum err no_template(struct ctx *ctx, const char *name, const char **why)
{
    *why = arena_printf(ctx->arena, "there is no template \"%.80s\"", name);
    return ERR_NOT_FOUND;
}

/* The plugin and the name behind "people:welcome"; NULL: there is no such plugin or name. */
static const struct plugin *whose(struct ctx *ctx, const char *plugin, const char *name,
                                  struct slice *rest)
{
    struct slice id;
    *rest = slice_str(name);
    id = slice_split(rest, ':');
    if (id.len == strlen(name)) {
        *rest = id;
        id = slice_str(plugin);
    }
    return is_name(*rest) ? find_plugin(ctx->model, id) : NULL;
}

static enum err fill(struct ctx *ctx, const struct file *file, enum template_escape escape,
                     const struct json *data, struct slice *out, const char **why)
{
    const struct template *t = NULL;
    struct buf b = BUF_INIT;
    enum err e = template_parse(ctx->arena, file->name, file->source, &t, why);
    if (!e)
        e = template_render(ctx->arena, t, data, escape, &b, why);
    if (!e)
        *out = arena_slice(ctx->arena, buf_slice(&b));
    buf_release(&b);
    return e;
}

static bool may_fall_back(const struct file *file, enum err e)
{
    return file->is_own && (e == ERR_MALFORMED || e == ERR_TOO_LARGE);
}

enum err letter_part(struct ctx *ctx, const char *plugin, const char *name, enum lang lang,
                     const char *ending, const struct json *data, struct slice *out,
                     const char **why)
{
    ASSERT(ctx && ctx->model && name && ending && out && why);
    struct slice rest;
    struct file file = {0};
    const struct plugin *of = whose(ctx, plugin, name, &rest);
    enum template_escape escape = strcmp(ending, ".html") == 0 ? TEMPLATE_HTML : TEMPLATE_PLAIN;
    enum err e = of ? find_any(ctx, of, rest, lang, ending, true, &file) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        return no_template(ctx, name, why);
    if (!e)
        e = fill(ctx, &file, escape, data, out, why);
    if (!may_fall_back(&file, e))
        return e;
    log_warn("tenant %s: %s", ctx->tenant->name, *why);
    e = find_any(ctx, of, rest, lang, ending, false, &file);
    return e == ERR_NOT_FOUND ? no_template(ctx, name, why)
                              : (e ? e : fill(ctx, &file, escape, data, out, why));
}

enum err letter_source(struct ctx *ctx, const char *plugin, const char *name, enum lang lang,
                       const char *ending, bool own, struct slice *out, const char **file)
{
    ASSERT(ctx && ctx->model && name && ending && out && file);
    struct slice rest;
    struct file found = {0};
    const struct plugin *of = whose(ctx, plugin, name, &rest);
    if (!of)
        return ERR_NOT_FOUND;
    enum err e = own ? find_own(ctx, of, rest, lang, ending, &found)
                     : find_file(ctx, of, rest, lang, ending, false, &found);
    *out = found.source;
    *file = found.name;
    return e;
}

/* Takes "Subject: …" and the empty line behind it from the front. What was filled in stays on that
 * line: a line end in it would be the first of the text. */
static const char *take_subject(struct arena *arena, struct slice *text)
{
    if (!slice_starts(*text, SLICE(SUBJECT)))
        return NULL;
    struct slice line = slice_split(text, '\n');
    line = slice_trim(slice_of(line.at + strlen(SUBJECT), line.len - strlen(SUBJECT)));
    struct slice rest = *text, blank = slice_split(&rest, '\n');
    if (slice_trim(blank).len == 0)
        *text = rest;
    return arena_str(arena, line);
}

/* Text and HTML are of one language and one hand: those of the text. */
static enum err make(struct ctx *ctx, const struct plugin *of, struct slice name,
                     const struct file *text, const struct json *data, struct letter *out,
                     const char **why)
{
    struct file html = {0};
    *out = (struct letter){0};
    enum err e = fill(ctx, text, TEMPLATE_PLAIN, data, &out->text, why);
    if (e)
        return e;
    out->subject = take_subject(ctx->arena, &out->text);
    e = text->is_own ? find_own(ctx, of, name, text->lang, ".html", &html)
                     : find_file(ctx, of, name, text->lang, ".html", false, &html);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    return e ? e : fill(ctx, &html, TEMPLATE_HTML, data, &out->html, why);
}

enum err letter_make(struct ctx *ctx, const char *plugin, const char *name, enum lang lang,
                     const struct json *data, struct letter *out, const char **why)
{
    ASSERT(ctx && ctx->model && name && out && why);
    struct slice rest;
    struct file file = {0};
    *out = (struct letter){0};
    const struct plugin *of = whose(ctx, plugin, name, &rest);
    enum err e = of ? find_any(ctx, of, rest, lang, ".txt", true, &file) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        return no_template(ctx, name, why);
    if (!e)
        e = make(ctx, of, rest, &file, data, out, why);
    if (!may_fall_back(&file, e))
        return e;
    log_warn("tenant %s: %s", ctx->tenant->name, *why);
    e = find_any(ctx, of, rest, lang, ".txt", false, &file);
    return e == ERR_NOT_FOUND ? no_template(ctx, name, why)
                              : (e ? e : make(ctx, of, rest, &file, data, out, why));
}
