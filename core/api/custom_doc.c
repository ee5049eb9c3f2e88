/* custom_doc - see custom_doc.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/custom_doc.h"

#include "api/body.h"
#include "record/blob.h"
#include "tenant/deploy.h"
#include "tenant/folder.h"

#define FILE_NAME "custom.json"

static const char *const parts[] = {"entities", "dictionaries", "views", "reports", "roles"};
static const char *const langs[] = {"zh-CN", "en"};
#define PARTS_COUNT (sizeof parts / sizeof *parts)
#define LANGS_COUNT (sizeof langs / sizeof *langs)

/* --- reading ------------------------------------------------------------------------------------
 */

static enum err read_part(struct arena *arena, const char *folder, const char *path,
                          struct json *doc, const char *key)
{
    const struct json *part = NULL;
    enum err e = json_load(arena, arena_printf(arena, "%s/%s", folder, path), &part, NULL);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (!e)
        json_add(arena, doc, key, json_copy(arena, part));
    return e;
}

static enum err read_templates(struct arena *arena, const char *folder, struct json *doc)
{
    const char **names = NULL, *place = arena_printf(arena, "%s/templates", folder);
    struct json *all = json_new(arena, JSON_OBJECT);
    int count = 0;
    enum err e = folder_exists(place) ? folder_names(arena, place, &names, &count) : ERR_OK;
    for (int i = 0; i < count && !e; i++) {
        struct slice text;
        e = blob_map(arena, arena_printf(arena, "%s/%s", place, names[i]), &text);
        if (!e)
            json_add(arena, all, names[i], json_new_str(arena, text));
    }
    if (all->count)
        json_add(arena, doc, "templates", all);
    return e;
}

enum err custom_read(struct call *call, const char *hash, const struct json **out)
{
    struct arena *arena = call->ctx->arena;
    struct json *doc = json_new(arena, JSON_OBJECT), *texts = json_new(arena, JSON_OBJECT);
    enum err e = ERR_OK;
    *out = doc;
    if (!hash)
        return ERR_OK;
    const char *folder = deploy_folder(call->ctx->tenant, arena, CUSTOM_ID, hash);
    for (size_t i = 0; i < PARTS_COUNT && !e; i++)
        e = read_part(arena, folder, arena_printf(arena, "%s/" FILE_NAME, parts[i]), doc, parts[i]);
    for (size_t i = 0; i < LANGS_COUNT && !e; i++)
        e = read_part(arena, folder, arena_printf(arena, "i18n/%s.json", langs[i]), texts,
                      langs[i]);
    if (texts->count)
        json_add(arena, doc, "texts", texts);
    return e ? e : read_templates(arena, folder, doc);
}

/* --- shape --------------------------------------------------------------------------------------
 */

static bool is_named(struct slice key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(key, names[i]))
            return true;
    return false;
}

static void check_list(struct call *call, const char *place, const struct json *list)
{
    int at = 0;
    if (list->type != JSON_ARRAY)
        body_bad(call, place, "not_a_list", NULL);
    json_each(item, list->type == JSON_ARRAY ? list : NULL)
    {
        if (item->type != JSON_OBJECT)
            body_bad(call, arena_printf(call->ctx->arena, "%s[%d]", place, at), "not_an_object",
                     NULL);
        const struct json *fields = json_get(item, "fields");
        if (fields && fields->type != JSON_ARRAY)
            body_bad(call, arena_printf(call->ctx->arena, "%s[%d].fields", place, at), "not_a_list",
                     NULL);
        at++;
    }
}

static void check_template_names(struct call *call, const char *place, const struct json *all)
{
    if (all->type != JSON_OBJECT)
        body_bad(call, place, "not_an_object", NULL);
    json_each(text, all->type == JSON_OBJECT ? all : NULL)
    {
        const char *at =
            arena_printf(call->ctx->arena, "%s." SLICE_FMT, place, SLICE_ARG(text->key));
        const char *path =
            arena_printf(call->ctx->arena, "templates/" SLICE_FMT, SLICE_ARG(text->key));
        struct slice rest = text->key;
        (void)slice_split(&rest, '.');
        bool has_name = slice_find(rest, SLICE(".")) >= 0 && !slice_starts(rest, SLICE("en.")) &&
                        !slice_starts(rest, SLICE("zh-CN."));
        if (!has_name || !pack_name_is_valid(slice_str(path)))
            body_bad(call, at, "bad_template_name", NULL);
        else if (text->type != JSON_STRING)
            body_bad(call, at, "not_a_text", NULL);
        else if (text->text.len > TEMPLATE_BYTES_MAX)
            body_bad(call, at, "too_long", NULL);
    }
}

enum err custom_check(struct call *call, const struct json *doc)
{
    struct arena *arena = call->ctx->arena;
    if (doc->type != JSON_OBJECT)
        return err_field(&call->ctx->err, "document", "not_an_object", NULL);
    json_each(part, doc)
    {
        const char *place = arena_printf(arena, "document." SLICE_FMT, SLICE_ARG(part->key));
        if (is_named(part->key, parts, PARTS_COUNT)) {
            check_list(call, place, part);
        } else if (slice_is(part->key, "templates")) {
            check_template_names(call, place, part);
        } else if (!slice_is(part->key, "texts")) {
            body_bad(call, place, "unknown_field", NULL);
        } else if (part->type != JSON_OBJECT) {
            body_bad(call, place, "not_an_object", NULL);
        } else {
            json_each(lang, part)
            {
                if (!is_named(lang->key, langs, LANGS_COUNT) || lang->type != JSON_OBJECT)
                    body_bad(call, place, "bad_locale", NULL);
            }
        }
    }
    return body_done(call);
}

/* --- settling: numbers and what is retired ------------------------------------------------------
 */

/* "lead" of { "extend": "lead" } as of { "name": "x_shop" }. */
static struct slice entity_key(const struct json *doc)
{
    return json_str(doc, "extend", json_str(doc, "name", SLICE("")));
}

static const struct json *find_entity(const struct json *doc, struct slice key)
{
    json_each(entity, json_get(doc, "entities"))
    {
        if (slice_eq(entity_key(entity), key))
            return entity;
    }
    return NULL;
}

static const struct json *find_no(const struct json *entity, int64_t no)
{
    json_each(field, json_get(entity, "fields"))
    {
        if (no && json_int(field, "no", 0) == no)
            return field;
    }
    return NULL;
}

static const struct json *find_same(const struct json *entity, const struct json *wanted)
{
    json_each(field, json_get(entity, "fields"))
    {
        if (json_int(field, "no", 0) &&
            slice_eq(json_str(field, "name", SLICE("")), json_str(wanted, "name", SLICE("?"))) &&
            slice_eq(json_str(field, "type", SLICE("")), json_str(wanted, "type", SLICE("?"))))
            return field;
    }
    return NULL;
}

static int64_t most_no(const struct json *entity)
{
    int64_t most = 0;
    json_each(field, json_get(entity, "fields"))
    {
        int64_t no = json_int(field, "no", 0);
        most = no > most ? no : most;
    }
    return most;
}

static struct json *without(struct arena *arena, const struct json *object, const char *name)
{
    struct json *copy = json_new(arena, JSON_OBJECT);
    json_each(member, object)
    {
        if (!slice_is(member->key, name))
            json_add(arena, copy, arena_str(arena, member->key), json_copy(arena, member));
    }
    return copy;
}

static struct json *retired(struct arena *arena, const struct json *declaration)
{
    struct json *copy = without(arena, declaration, "retired");
    json_add(arena, copy, "retired", json_new_bool(arena, true));
    return copy;
}

static struct json *settle_field(struct call *call, const struct json *before,
                                 const struct json *field, int64_t *next)
{
    struct arena *arena = call->ctx->arena;
    struct json *copy = json_copy(arena, field);
    const struct json *known = find_no(before, json_int(field, "no", 0));
    if (known && !slice_eq(json_str(known, "type", SLICE("")), json_str(field, "type", SLICE(""))))
        body_bad(call, json_cstr(field, "name", "document"), "type_is_fixed", NULL);
    if (!json_get(field, "type") || json_get(field, "no"))
        return copy;
    known = find_same(before, field);
    int64_t no = known ? json_int(known, "no", 0) : (*next)++;
    copy = without(arena, copy, "retired");
    json_add(arena, copy, "no", json_new_int(arena, no));
    return copy;
}

static struct json *settle_entity(struct call *call, const struct json *before,
                                  const struct json *doc)
{
    struct arena *arena = call->ctx->arena;
    struct json *entity = without(arena, doc, "fields"), *fields = json_new(arena, JSON_ARRAY);
    int64_t most = most_no(before), own = most_no(doc), next = 1 + (most > own ? most : own);
    json_each(field, json_get(doc, "fields"))
        json_add(arena, fields, NULL, settle_field(call, before, field, &next));
    json_add(arena, entity, "fields", fields);
    json_each(field, json_get(before, "fields"))
    {
        int64_t no = json_int(field, "no", 0);
        if (no && !find_no(entity, no))
            json_add(arena, fields, NULL, retired(arena, field));
    }
    if (json_get(doc, "extend") && !json_get(doc, "optional"))
        json_add(arena, entity, "optional", json_new_bool(arena, true));
    return entity;
}

/* An extension that is gone keeps its numbers, an entity that is gone keeps its place. */
static struct json *leave_entity(struct arena *arena, const struct json *before)
{
    struct json *entity = without(arena, before, "fields"), *fields = json_new(arena, JSON_ARRAY);
    json_each(field, json_get(before, "fields"))
    {
        if (json_int(field, "no", 0))
            json_add(arena, fields, NULL, retired(arena, field));
    }
    json_add(arena, entity, "fields", fields);
    return json_get(before, "extend") ? entity : retired(arena, entity);
}

enum err custom_settle(struct call *call, const struct json *published, const struct json *doc,
                       const struct json **out)
{
    struct arena *arena = call->ctx->arena;
    struct json *settled = without(arena, doc, "entities");
    struct json *entities = json_new(arena, JSON_ARRAY);
    json_each(entity, json_get(doc, "entities"))
    {
        const struct json *before = find_entity(published, entity_key(entity));
        json_add(arena, entities, NULL, settle_entity(call, before, entity));
    }
    json_each(before, json_get(published, "entities"))
    {
        if (!find_entity(doc, entity_key(before)) && most_no(before))
            json_add(arena, entities, NULL, leave_entity(arena, before));
    }
    if (entities->count)
        json_add(arena, settled, "entities", entities);
    *out = settled;
    return body_done(call);
}

/* --- what is different --------------------------------------------------------------------------
 */

/* What an item is known by: a name, or for patches all that it says. */
static struct slice item_key(struct arena *arena, const char *part, const struct json *item)
{
    bool is_patch = strcmp(part, "views") == 0 && !json_get(item, "kind");
    if (is_patch)
        return slice_str(body_json(arena, item));
    return slice_str(arena_printf(arena, "%s %s %s", json_cstr(item, "kind", ""),
                                  json_cstr(item, "entity", ""),
                                  json_cstr(item, "extend", json_cstr(item, "name", ""))));
}

static struct slice field_key(const struct json *field)
{
    return json_str(field, "name", SLICE(""));
}

static void put_change(struct buf *out, const char *part, const char *name,
                       const struct json *before, const struct json *after)
{
    json_put_comma(out);
    buf_printf(out, "{\"part\":\"%s\"", part);
    json_put_key(out, "name");
    json_put_cstr(out, name);
    json_put_key(out, "change");
    json_put_cstr(out, !before ? "added" : !after ? "removed" : "changed");
    if (before) {
        json_put_key(out, "before");
        json_put(out, before);
    }
    if (after) {
        json_put_key(out, "after");
        json_put(out, after);
    }
    buf_put_char(out, '}');
}

static bool is_gone(const struct json *declaration)
{
    return !declaration || json_bool(declaration, "retired", false);
}

static const struct json *find_field(const struct json *entity, const struct json *like)
{
    const struct json *same = find_no(entity, json_int(like, "no", 0));
    json_each(field, same ? NULL : json_get(entity, "fields"))
    {
        if (slice_eq(field_key(field), field_key(like)))
            return field;
    }
    return same;
}

static void diff_fields(struct arena *arena, const struct json *before, const struct json *after,
                        struct buf *out)
{
    const char *entity = arena_str(arena, before ? entity_key(before) : entity_key(after));
    json_each(field, json_get(after, "fields"))
    {
        const struct json *old = find_field(before, field);
        const char *name = arena_printf(arena, "%s.%s", entity, json_cstr(field, "name", "?"));
        if (is_gone(old) && is_gone(field))
            continue;
        if (is_gone(old) || is_gone(field) || !json_equal(old, field))
            put_change(out, "fields", name, is_gone(old) ? NULL : old,
                       is_gone(field) ? NULL : field);
    }
    json_each(field, json_get(before, "fields"))
    {
        if (is_gone(field) || find_field(after, field))
            continue;
        const char *name = arena_printf(arena, "%s.%s", entity, json_cstr(field, "name", "?"));
        put_change(out, "fields", name, field, NULL);
    }
}

static const struct json *find_item(struct arena *arena, const char *part, const struct json *list,
                                    const struct json *like)
{
    struct slice key = item_key(arena, part, like);
    json_each(item, list)
    {
        if (slice_eq(item_key(arena, part, item), key))
            return item;
    }
    return NULL;
}

static void diff_part(struct arena *arena, const char *part, const struct json *before,
                      const struct json *after, struct buf *out)
{
    bool is_entities = strcmp(part, "entities") == 0;
    json_each(item, after)
    {
        const struct json *old = find_item(arena, part, before, item);
        const char *name = json_cstr(item, "name", json_cstr(item, "extend", ""));
        if (is_entities)
            diff_fields(arena, old, item, out);
        const struct json *was = is_entities && old ? without(arena, old, "fields") : old;
        const struct json *is = is_entities ? without(arena, item, "fields") : item;
        bool says_more = !is_entities || !json_get(item, "extend");
        if (says_more && !(was && json_equal(was, is)) && !(is_gone(was) && is_gone(is)))
            put_change(out, part, name, is_gone(was) ? NULL : was, is_gone(is) ? NULL : is);
    }
    json_each(item, before)
    {
        if (find_item(arena, part, after, item))
            continue;
        if (is_entities)
            diff_fields(arena, item, NULL, out);
        if (!is_entities || !json_get(item, "extend"))
            put_change(out, part, json_cstr(item, "name", json_cstr(item, "extend", "")), item,
                       NULL);
    }
}

static void diff_templates(const struct json *before, const struct json *after, struct arena *arena,
                           struct buf *out)
{
    json_each(is, after)
    {
        const struct json *was = json_get_slice(before, is->key);
        if (!was || !json_equal(was, is))
            put_change(out, "templates", arena_str(arena, is->key), was, is);
    }
    json_each(was, before)
    {
        if (!json_get_slice(after, was->key))
            put_change(out, "templates", arena_str(arena, was->key), was, NULL);
    }
}

void custom_put_diff(struct arena *arena, const struct json *before, const struct json *after,
                     struct buf *out)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < PARTS_COUNT; i++)
        diff_part(arena, parts[i], json_get(before, parts[i]), json_get(after, parts[i]), out);
    for (size_t i = 0; i < LANGS_COUNT; i++) {
        const struct json *was = json_get(json_get(before, "texts"), langs[i]);
        const struct json *is = json_get(json_get(after, "texts"), langs[i]);
        if ((was || is) && !(was && is && json_equal(was, is)))
            put_change(out, "texts", langs[i], was, is);
    }
    diff_templates(json_get(before, "templates"), json_get(after, "templates"), arena, out);
    buf_put_char(out, ']');
}

/* --- the bundle ---------------------------------------------------------------------------------
 */

/* Each item on a line of its own, so that complaints point at it. */
static struct slice lines_of(struct arena *arena, const struct json *part)
{
    struct buf out = BUF_INIT;
    bool is_list = part->type == JSON_ARRAY;
    if (is_list)
        buf_put_str(&out, "[\n");
    json_each(item, is_list ? part : NULL)
    {
        json_put(&out, item);
        buf_put_str(&out, item->next ? ",\n" : "\n");
    }
    if (is_list)
        buf_put_char(&out, ']');
    else
        json_put(&out, part);
    buf_put_char(&out, '\n');
    struct slice text = arena_slice(arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

enum err custom_pack(struct arena *arena, const struct json *doc, const char *version,
                     struct pack *out, const char **why)
{
    const struct json *texts = json_get(doc, "texts"), *templates = json_get(doc, "templates");
    *out = (struct pack){.files = arena_array(arena, struct pack_file,
                                              1 + PARTS_COUNT + LANGS_COUNT +
                                                  (size_t)(templates ? templates->count : 0))};
    const char *manifest =
        arena_printf(arena,
                     "{ \"id\": \"" CUSTOM_ID "\", \"version\": \"%s\", \"api\": 1, \"title\": "
                     "\"@core:customization\" }\n",
                     version);
    out->files[out->count++] = (struct pack_file){"plugin.json", slice_str(manifest)};
    for (size_t i = 0; i < PARTS_COUNT; i++) {
        const struct json *part = json_get(doc, parts[i]);
        if (part && part->count)
            out->files[out->count++] = (struct pack_file){
                arena_printf(arena, "%s/" FILE_NAME, parts[i]), lines_of(arena, part)};
    }
    for (size_t i = 0; i < LANGS_COUNT; i++) {
        const struct json *lang = json_get(texts, langs[i]);
        if (lang && lang->count)
            out->files[out->count++] = (struct pack_file){
                arena_printf(arena, "i18n/%s.json", langs[i]), lines_of(arena, lang)};
    }
    json_each(text, templates) out->files[out->count++] = (struct pack_file){
        arena_printf(arena, "templates/" SLICE_FMT, SLICE_ARG(text->key)), text->text};
    return pack_make(arena, out, why);
}
