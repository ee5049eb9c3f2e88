/* model_view - views, menus, dashboards, reports and roles: collected, patched by stable ids,
 * checked against the entities they speak of.
 *
 *   { "form": "lead", "after": "section.contact", "section": { "id": "section.level", … } }
 *
 * patches the form "default" of lead ("lead.short" would be another one). `after` and `before` put
 * the payload beside the item of that id, `remove` takes the item away, `set` with `to` changes
 * members of it, `to` alone members of the view itself. A vanished anchor appends at the end and
 * warns: a page is never broken by an upgrade.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/log.h"
#include "base/text.h"

static const char *const patch_kinds[] = {"list",  "board",    "calendar", "form",      "quick",
                                          "page",  "mobile",   "menu",     "dashboard", "tree",
                                          "chart", "timeline", "report"};
static const char *const patch_words[] = {"after", "before", "remove", "set", "to", "if_plugin"};

static bool is_among(struct slice word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(word, words[i]))
            return true;
    return false;
}
#define IS_AMONG(word, words) is_among((word), (words), sizeof(words) / sizeof *(words))

static struct slice view_key(struct arena *arena, const char *entity, const char *kind,
                             const char *name)
{
    return slice_str(arena_printf(arena, "%s.%s.%s", entity ? entity : "", kind, name));
}

struct slice model_view_key(struct arena *arena, const struct model_view *view)
{
    bool is_event = strcmp(view->kind, "event") == 0;

    return view_key(arena, is_event ? NULL : view->entity, view->kind, view->name);
}

static void warn(struct build *b, int line, const char *text)
{
    struct model_warning *warning = arena_make(b->arena, struct model_warning);

    warning->text = arena_printf(b->arena, "%s:%d: %s", b->file, line, text);
    warning->next = b->model->warnings;
    b->model->warnings = warning;
}

/* --- do the fields exist? --- */

static const char *const field_lists[] = {"columns", "cells", "lines", "fields", "card_fields"};

enum err build_path(struct build *b, const struct entity *entity, struct slice path, int line)
{
    struct slice rest = path;

    while (rest.len && entity) {
        struct slice name = slice_split(&rest, '.');
        const struct field *field = entity_field(entity, name);
        if (!field)
            return build_fail(b, line, "%s has no field \"" SLICE_FMT "\"%s", entity->name,
                              SLICE_ARG(name), build_suggest_field(b->arena, entity, name));
        entity = model_ref(b->model, field);
    }
    return ERR_OK;
}

static enum err check_fields(struct build *b, const struct entity *entity, const struct json *node)
{
    json_each(item, node)
    {
        enum err e = ERR_OK;
        bool is_list = item->type == JSON_ARRAY && IS_AMONG(item->key, field_lists);
        if (slice_is(item->key, "field") && item->type == JSON_STRING)
            e = build_path(b, entity, item->text, item->line);
        json_each(name, is_list ? item : NULL)
        {
            if ((!e || build_goes_on(b, e)) && name->type == JSON_STRING)
                e = build_path(b, entity, name->text, name->line);
        }
        if (build_goes_on(b, e))
            e = ERR_OK;
        /* Panels and widgets of another entity are that entity's own business. */
        if (!e && (item->type == JSON_OBJECT || item->type == JSON_ARRAY) &&
            !json_get(item, "entity") && !json_get(item, "relation"))
            e = check_fields(b, entity, item);
        if (e && !build_goes_on(b, e))
            return e;
    }
    return ERR_OK;
}

/* --- patches --- */

static bool has_id(const struct json *item, struct slice id)
{
    if (item->type == JSON_STRING)
        return slice_eq(item->text, id);
    const struct json *own = json_get(item, "id");
    if (!own)
        own = json_get(item, "field");
    return own && own->type == JSON_STRING && slice_eq(own->text, id);
}

/* The list that holds the item of that id, and the item before it (NULL: it is the first). */
static struct json *find_item(struct json *node, struct slice id, struct json **before)
{
    struct json *previous = NULL;

    for (struct json *item = node->first; item; item = item->next) {
        if (node->type == JSON_ARRAY && has_id(item, id)) {
            *before = previous;
            return node;
        }
        previous = item;
    }
    for (struct json *item = node->first; item; item = item->next) {
        struct json *found = item->type == JSON_OBJECT || item->type == JSON_ARRAY
                                 ? find_item(item, id, before)
                                 : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static void insert_behind(struct json *list, struct json *before, struct json *item)
{
    item->next = before ? before->next : list->first;
    if (before)
        before->next = item;
    else
        list->first = item;
    if (!item->next)
        list->last = item;
    list->count++;
}

static void take_out(struct json *list, struct json *before)
{
    struct json *item = before ? before->next : list->first;

    if (before)
        before->next = item->next;
    else
        list->first = item->next;
    if (!item->next)
        list->last = before;
    list->count--;
}

static void qualify(struct build *b, struct json *node)
{
    if (node->type == JSON_STRING && node->text.len > 1 && *node->text.at == '@' &&
        slice_find(node->text, SLICE(":")) < 0)
        node->text = slice_str(arena_printf(b->arena, "@%s:%s", b->plugin->id, node->text.at + 1));
    for (struct json *item = node->first; item; item = item->next)
        qualify(b, item);
}

static const struct json *payload_of(const struct json *patch)
{
    json_each(item, patch)
    {
        if (!IS_AMONG(item->key, patch_kinds) && !IS_AMONG(item->key, patch_words))
            return item;
    }
    return NULL;
}

/* What a patch adds speaks with the words of its own plugin. */
static const struct json *own_words(struct build *b, const struct json *payload)
{
    struct json *copy = json_copy(b->arena, payload);

    qualify(b, copy);
    copy->key = payload->key;
    return copy;
}

/* "section" joins "sections" of the view's body, made where there is none. */
static void append(struct build *b, struct json *body, const struct json *payload)
{
    const char *list_name = arena_printf(b->arena, SLICE_FMT "s", SLICE_ARG(payload->key));
    struct json *list = (struct json *)json_get(body, list_name);

    if (!list) {
        list = json_new(b->arena, JSON_ARRAY);
        json_add(b->arena, body, list_name, list);
    }
    json_add(b->arena, list, NULL, json_copy(b->arena, payload));
}

/* A group that is there already takes the items of another one with its id, so that several plugins
 * can share "sales". Items of a patch with "before" come first in it, those of others last. */
static bool join_group(struct build *b, struct json *body, const struct json *group, bool is_first)
{
    const struct json *items = json_get(group, "items");
    struct slice id = json_str(group, "id", SLICE(""));
    struct json *before = NULL;
    struct json *list = items && id.len ? find_item(body, id, &before) : NULL;
    const struct json *there = list ? (before ? before->next : list->first) : NULL;
    struct json *own = there ? (struct json *)json_get(there, "items") : NULL;

    if (!own)
        return false;
    before = NULL;
    json_each(item, items)
    {
        insert_behind(own, is_first ? before : own->last, json_copy(b->arena, item));
        before = before ? before->next : own->first;
    }
    return true;
}

static void set_members(struct build *b, struct json *item, const struct json *members)
{
    json_each(member, members)
    {
        struct json *before = NULL, *at = item->first;
        while (at && !slice_eq(at->key, member->key)) {
            before = at;
            at = at->next;
        }
        if (at)
            take_out(item, before);
        json_add(b->arena, item, arena_str(b->arena, member->key), json_copy(b->arena, member));
    }
}

/* What a view is cannot be changed, only what it says. */
static enum err set_view(struct build *b, struct json *body, const struct json *members)
{
    static const char *const fixed[] = {"kind", "name", "entity"};

    json_each(member, members)
    {
        if (IS_AMONG(member->key, fixed))
            return build_fail(b, member->line, "\"" SLICE_FMT "\" of a view cannot be changed",
                              SLICE_ARG(member->key));
    }
    set_members(b, body, own_words(b, members));
    return ERR_OK;
}

/* The id in a view that is nearest to what a patch names. */
static void near_id(const struct json *node, struct slice anchor, const char **best, int *least)
{
    json_each(item, node->type == JSON_OBJECT || node->type == JSON_ARRAY ? node : NULL)
    {
        near_id(item, anchor, best, least);
        bool is_id = item->type == JSON_STRING && slice_is(item->key, "id");
        int distance = is_id ? text_nearness(anchor, item->text, *least - 1) : *least;
        if (distance && distance < *least) { /* the same id where none can anchor is no help */
            *least = distance;
            *best = item->text.at;
        }
    }
}

static void warn_anchor(struct build *b, const struct json *body, const struct json *named)
{
    const char *best = NULL, *anchor = arena_str(b->scratch, named->text);
    int least = 4; /* three letters wrong still look alike */
    near_id(body, named->text, &best, &least);
    warn(b, named->line,
         best ? arena_printf(b->arena, "there is no \"%s\" any more (did you mean \"%s\"?)", anchor,
                             best)
              : arena_printf(b->arena, "there is no \"%s\" any more", anchor));
}

static enum err apply_patch(struct build *b, struct json *body, const struct json *patch)
{
    const struct json *given = payload_of(patch);
    const struct json *payload = given ? own_words(b, given) : NULL;
    struct json *before = NULL;
    const char *anchor = NULL, *word = NULL;

    for (size_t i = 0; i < 4 && !anchor; i++) {
        word = patch_words[i];
        anchor = json_cstr(patch, word, NULL);
    }
    if (!anchor && json_get(patch, "to"))
        return set_view(b, body, json_get(patch, "to"));
    struct json *list = anchor ? find_item(body, slice_str(anchor), &before) : NULL;
    b->waits = anchor && !list && b->may_wait;
    if (b->waits)
        return ERR_OK;
    bool adds = !anchor || *word == 'a' || *word == 'b';
    if (anchor && !list)
        warn_anchor(b, body, json_get(patch, word));
    if (adds && !payload)
        return build_fail(b, patch->line, "a patch needs what it adds, such as \"section\"");
    if (adds && join_group(b, body, payload, anchor && *word == 'b'))
        return ERR_OK;
    if (adds && !list) {
        append(b, body, payload);
        return ERR_OK;
    }
    if (!list)
        return ERR_OK;
    struct json *item = before ? before->next : list->first;
    if (*word == 'a')
        insert_behind(list, item, json_copy(b->arena, payload));
    else if (*word == 'b')
        insert_behind(list, before, json_copy(b->arena, payload));
    else if (*word == 'r')
        take_out(list, before);
    else
        set_members(b, item, own_words(b, json_get(patch, "to")));
    return ERR_OK;
}

/* The parsed file is shared: a patch changes a copy. */
static struct json *body_of(struct build *b, struct model_view **view)
{
    *view = overlay_view(b, *view);
    overlay_redraw(b, *view);
    if (!(*view)->is_patched)
        (*view)->body = json_copy(b->arena, (*view)->body);
    (*view)->is_patched = true;
    return (struct json *)(*view)->body;
}

/* A report is known by its name alone. */
static enum err patch_report(struct build *b, const struct json *patch, struct slice name)
{
    for (int i = 0; i < b->model->views_count; i++) {
        struct model_view *view = b->model->view_list[i];
        if (strcmp(view->kind, "report") != 0 || !slice_is(name, view->name))
            continue;
        return apply_patch(b, body_of(b, &view), patch);
    }
    warn(b, patch->line, arena_printf(b->arena, "there is no report " SLICE_FMT, SLICE_ARG(name)));
    return ERR_OK;
}

static enum err patch_view(struct build *b, const struct json *patch)
{
    const struct json *target = NULL;

    json_each(item, patch)
    {
        if (item->type == JSON_STRING && IS_AMONG(item->key, patch_kinds))
            target = item;
    }
    if (!target)
        return build_fail(b, patch->line, "a view needs \"kind\", a patch names what it changes");
    bool is_global = slice_is(target->key, "menu") || slice_is(target->key, "dashboard");
    if (slice_is(target->key, "report"))
        return patch_report(b, patch, target->text);
    struct slice name = target->text, first = slice_split(&name, '.');
    const char *kind = arena_str(b->arena, target->key);
    const char *entity = is_global ? NULL : arena_str(b->arena, first);
    if (is_global)
        name = target->text;
    struct slice key =
        view_key(b->arena, entity, kind, name.len ? arena_str(b->arena, name) : "default");
    struct model_view *view = overlay_find_view(b, key);
    if (!view) {
        bool is_slip = entity && !model_entity(b->model, first);
        warn(b, patch->line,
             arena_printf(b->arena, "there is no view " SLICE_FMT "%s", SLICE_ARG(key),
                          is_slip ? build_suggest_entity(b->arena, b->model, first) : ""));
        return ERR_OK;
    }
    struct json *body = body_of(b, &view);
    enum err e = apply_patch(b, body, patch);
    const struct entity *of = entity ? model_entity(b->model, slice_str(entity)) : NULL;
    if (!e && of)
        e = check_fields(b, of, body);
    return e || b->waits ? e : build_screen(b, of, body);
}

/* --- views --- */

static enum err add_view(struct build *b, const struct json *doc)
{
    struct model *model = b->model;
    struct model_view *view = arena_make(b->arena, struct model_view);

    view->kind = json_cstr(doc, "kind", "");
    view->name = json_cstr(doc, "name", "default");
    view->entity = json_cstr(doc, "entity", NULL);
    view->plugin = b->plugin->id;
    view->body = doc;
    bool is_event = strcmp(view->kind, "event") == 0;
    if (view->entity && !is_event) {
        const struct entity *entity = model_entity(model, slice_str(view->entity));
        if (!entity)
            return build_fail(b, doc->line, "there is no entity \"%s\"%s", view->entity,
                              build_suggest_entity(b->arena, model, slice_str(view->entity)));
        enum err e = check_fields(b, entity, doc);
        if (!e)
            e = build_screen(b, entity, doc);
        if (e)
            return e;
    }
    enum err e = view->entity ? ERR_OK : build_screen(b, NULL, doc);
    if (e)
        return e;
    struct slice key = model_view_key(b->arena, view);
    if (overlay_find_view(b, key))
        return build_fail(b, doc->line, "there is a view " SLICE_FMT " already", SLICE_ARG(key));
    map_put(&model->views, key, view);
    overlay_redraw(b, view);
    int n = model->views_count++;
    model->view_list = build_list(b->arena, model->view_list, n);
    model->view_list[n] = view;
    return ERR_OK;
}

/* Everything of one plugin that is not done yet; *progress: something was. */
static enum err build_round(struct build *b, struct build_doc *first, bool *progress)
{
    *progress = false;
    for (struct build_doc *doc = first; doc && doc->plugin == first->plugin; doc = doc->next) {
        const char *needs = json_cstr(doc->json, "if_plugin", NULL);
        if (doc->is_done || (needs && !build_has_plugin(b, slice_str(needs))))
            continue;
        b->plugin = doc->plugin;
        b->file = doc->file;
        b->waits = false;
        enum err e =
            json_get(doc->json, "kind") ? add_view(b, doc->json) : patch_view(b, doc->json);
        if (e && !build_goes_on(b, e))
            return e;
        doc->is_done = !b->waits;
        *progress = *progress || doc->is_done;
    }
    return ERR_OK;
}

static bool has_report(const struct model *model, const char *name)
{
    for (int i = 0; i < model->views_count; i++) {
        const struct model_view *view = model->view_list[i];
        if (strcmp(view->kind, "report") == 0 && strcmp(view->name, name) == 0)
            return true;
    }
    return false;
}

/* A widget whose report is not there shows nothing; one about an entity that is not there is meant
 * for companies that have it. */
static void warn_reports(struct build *b)
{
    for (struct build_doc *doc = b->views; doc; doc = doc->next) {
        b->file = doc->file;
        json_each(widget, json_get(doc->json, "widgets"))
        {
            const char *report = json_cstr(widget, "report", NULL);
            const char *entity = json_cstr(widget, "entity", "");
            if (report && map_get(&b->model->entities, slice_str(entity)) &&
                !has_report(b->model, report))
                warn(b, widget->line, arena_printf(b->arena, "there is no report %s", report));
        }
    }
}

/* Files of a plugin may stand in any order: a patch waits for the file that brings its anchor, and
 * is told as one without anchor only when no file of its plugin does. */
enum err build_views(struct build *b)
{
    enum err e = ERR_OK;
    for (struct build_doc *first = b->views; first && !e;) {
        bool progress = true;
        b->may_wait = true;
        while (progress && !e)
            e = build_round(b, first, &progress);
        b->may_wait = false;
        if (!e)
            e = build_round(b, first, &progress);
        const struct plugin *plugin = first->plugin;
        while (first && first->plugin == plugin)
            first = first->next;
    }
    if (!e)
        warn_reports(b);
    return e;
}

/* --- roles --- */

static enum err check_words(struct build *b, const struct entity *entity, const struct json *grant)
{
    json_each(rule, grant)
    {
        if (rule->type == JSON_STRING && slice_is(rule->text, "parent") && !entity->parent)
            return build_fail(b, rule->line, "%s has no \"parent\" whose rights it could follow",
                              entity->name);
    }
    return ERR_OK;
}

static enum err check_grant(struct build *b, const struct entity *entity, const struct json *grant)
{
    json_each(field, json_get(grant, "fields"))
    {
        if (slice_is(field->key, "*") || entity_field(entity, field->key))
            continue;
        enum err e =
            build_fail(b, field->line, "%s has no field \"" SLICE_FMT "\"%s", entity->name,
                       SLICE_ARG(field->key), build_suggest_field(b->arena, entity, field->key));
        if (!build_goes_on(b, e))
            return e;
    }
    return check_words(b, entity, grant);
}

static enum err check_grants(struct build *b, const struct json *grants)
{
    json_each(grant, grants)
    {
        const struct entity *entity = model_entity(b->model, grant->key);
        if (slice_is(grant->key, "*"))
            continue;
        enum err e = entity ? check_grant(b, entity, grant)
                            : build_fail(b, grant->line, "there is no entity \"" SLICE_FMT "\"%s",
                                         SLICE_ARG(grant->key),
                                         build_suggest_entity(b->arena, b->model, grant->key));
        if (e && !build_goes_on(b, e))
            return e;
    }
    return ERR_OK;
}

/* Is an operation another plugin's, as far as declarations tell? One that only scripts register is
 * told apart when it is run: a name with its plugin is granted, not the name alone. */
static bool is_foreign(struct build *b, const struct entity *entity, struct slice name)
{
    const struct model_view *view =
        model_view(b->model, entity->name, "action", arena_str(b->scratch, name));

    if (view && strcmp(view->plugin, b->plugin->id) != 0)
        return true;
    json_each(action, json_get(entity->declared, "actions"))
    {
        if (slice_eq(json_str(action, "name", SLICE("")), name))
            return strcmp(entity->plugin, b->plugin->id) != 0;
    }
    return false;
}

/* Where another plugin has granted an entity, one may still grant one's own operations of it. */
static enum err join_actions(struct build *b, struct json *known, const struct json *grant)
{
    const struct entity *entity = model_entity(b->model, grant->key);
    const struct json *asked = json_get(grant, "actions"), *before = json_get(known, "actions");
    struct json *actions = json_new(b->arena, JSON_ARRAY);

    if (asked && (!entity || asked->type != JSON_ARRAY))
        return build_fail(b, asked->line,
                          "another plugin grants \"" SLICE_FMT "\" to this role already: name the "
                          "operations of your own",
                          SLICE_ARG(grant->key));
    if (!asked || (before && before->type == JSON_BOOL && before->boolean))
        return ERR_OK;
    if (before && before->type == JSON_ARRAY)
        actions = json_copy(b->arena, before);
    json_each(name, asked)
    {
        if (name->type != JSON_STRING || slice_find(name->text, SLICE(":")) >= 0 ||
            is_foreign(b, entity, name->text))
            return build_fail(b, name->line,
                              "the operation \"" SLICE_FMT "\" is not yours to grant",
                              SLICE_ARG(name->text));
        const char *own =
            arena_printf(b->arena, "%s:" SLICE_FMT, b->plugin->id, SLICE_ARG(name->text));
        json_add(b->arena, actions, NULL, json_new_str(b->arena, slice_str(own)));
    }
    struct json *set = json_new(b->arena, JSON_OBJECT);
    json_add(b->arena, set, "actions", actions);
    set_members(b, known, set);
    return ERR_OK;
}

/* Where another plugin has granted an entity, one may still say what its own fields of it are. */
static enum err join_fields(struct build *b, struct json *known, const struct json *grant)
{
    const struct entity *entity = model_entity(b->model, grant->key);
    struct json *fields = (struct json *)json_get(known, "fields");

    json_each(member, grant)
    {
        if (!slice_is(member->key, "fields") && !slice_is(member->key, "actions"))
            return build_fail(b, member->line,
                              "another plugin grants \"" SLICE_FMT "\" to this role already: only "
                              "\"fields\" and \"actions\" of your own can be said here",
                              SLICE_ARG(grant->key));
    }
    json_each(access, json_get(grant, "fields"))
    {
        const struct field *field = entity ? entity_field(entity, access->key) : NULL;
        if (!field || field->is_system || strcmp(field->plugin, b->plugin->id) != 0 ||
            json_get_slice(fields, access->key))
            return build_fail(b, access->line, "the field \"" SLICE_FMT "\" is not yours to grant",
                              SLICE_ARG(access->key));
        if (!fields) { /* until now all of them could be written */
            fields = json_new(b->arena, JSON_OBJECT);
            json_add(b->arena, known, "fields", fields);
        }
        json_add(b->arena, fields, arena_str(b->arena, access->key), json_copy(b->arena, access));
    }
    return ERR_OK;
}

/* "role entity" as a key of who granted it. */
static struct slice grant_key(struct build *b, const struct json *doc, const struct json *grant)
{
    return slice_str(arena_printf(b->scratch, "%s " SLICE_FMT, json_cstr(doc, "name", ""),
                                  SLICE_ARG(grant->key)));
}

/* Several plugins may grant to one role, each for its own entities. What a plugin grants where
 * another one is active ("if_plugin") is said anew member by member. */
static enum err join_role(struct build *b, struct json *role, const struct json *doc,
                          struct map *granters)
{
    struct json *grants = (struct json *)json_get(role, "grants");

    json_each(grant, json_get(doc, "grants"))
    {
        struct json *known = (struct json *)json_get_slice(grants, grant->key);
        const struct slice key = grant_key(b, doc, grant);
        if (known && map_get(granters, key) == b->plugin) {
            set_members(b, known, grant);
            continue;
        }
        enum err e = known ? join_fields(b, known, grant) : ERR_OK;
        if (!e && known)
            e = join_actions(b, known, grant);
        if (e)
            return e;
        if (known)
            continue;
        map_put(granters, key, b->plugin);
        json_add(b->arena, grants, arena_str(b->arena, grant->key), json_copy(b->arena, grant));
    }
    return ERR_OK;
}

/* The words for a role are those of the plugin that named it first. */
static void own_label(struct build *b, struct json *role)
{
    const char *label = json_cstr(role, "label", "");

    if (*label != '@' || strchr(label, ':'))
        return;
    struct json *named = json_new(b->arena, JSON_OBJECT);
    const char *key = arena_printf(b->arena, "@%s:%s", b->plugin->id, label + 1);
    json_add(b->arena, named, "label", json_new_str(b->arena, slice_str(key)));
    set_members(b, role, named);
}

/* One declaration of a role: the first of its name, or what is added to that. */
static enum err add_role(struct build *b, const struct json *doc, struct map *docs,
                         struct map *granters)
{
    struct slice name = json_str(doc, "name", SLICE(""));
    struct json *role = overlay_role(b, docs, name);
    enum err e = check_grants(b, json_get(doc, "grants"));

    if (!e && !role) {
        role = json_new(b->arena, JSON_OBJECT);
        set_members(b, role, doc);
        own_label(b, role);
        struct json *empty = json_new(b->arena, JSON_OBJECT);
        json_add(b->arena, empty, "grants", json_new(b->arena, JSON_OBJECT));
        set_members(b, role, empty);
        map_put(docs, name, role);
    } else if (!e && !json_get(role, "label") && json_get(doc, "label")) {
        struct json *named = json_new(b->arena, JSON_OBJECT);
        json_add(b->arena, named, "label", json_copy(b->arena, json_get(doc, "label")));
        set_members(b, role, named);
        own_label(b, role);
    }
    e = e ? e : join_role(b, role, doc, granters);
    if (e)
        return e;
    struct role *parsed;
    const char *why = NULL;
    if (role_parse(b->arena, role, &parsed, &why))
        return build_fail(b, doc->line, "%s", why ? why : "the role cannot be read");
    map_put(&b->model->roles, slice_str(parsed->name), parsed);
    return ERR_OK;
}

enum err build_roles(struct build *b)
{
    struct map granters; /* grant_key → struct plugin * */

    map_init(&granters, b->scratch);
    for (const struct build_doc *doc = b->roles; doc; doc = doc->next) {
        const char *needs = json_cstr(doc->json, "if_plugin", NULL);
        if (needs && !build_has_plugin(b, slice_str(needs)))
            continue;
        b->plugin = doc->plugin;
        b->file = doc->file;
        enum err e = add_role(b, doc->json, &b->model->role_trees, &granters);
        if (e && !build_goes_on(b, e))
            return e;
    }
    return ERR_OK;
}
