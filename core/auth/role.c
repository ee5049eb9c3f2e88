/* role - parsing of role documents and the questions asked of one role.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/role.h"

#include <string.h>

static const char *const action_names[ROLE_ACTIONS] = {
    [ROLE_READ] = "read",     [ROLE_CREATE] = "create", [ROLE_UPDATE] = "update",
    [ROLE_DELETE] = "delete", [ROLE_EXPORT] = "export", [ROLE_IMPORT] = "import",
    [ROLE_UNMASK] = "unmask",
};

const char *role_action_name(enum role_action action)
{
    ASSERT(action < ROLE_ACTIONS);
    return action_names[action];
}

/* Sets *why to the place and the fault. */
static enum err fault(struct arena *arena, const struct json *at, const char **why, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);
static enum err fault(struct arena *arena, const struct json *at, const char **why, const char *fmt,
                      ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    if (why)
        *why = at && at->line > 0 ? arena_printf(arena, "line %d: %s", at->line, text) : text;
    return ERR_MALFORMED;
}

static bool rule_is_word(struct slice word)
{
    static const char *const words[] = {"all", "own", "team", "department", "subtree", "parent"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(word, words[i]))
            return true;
    return false;
}

static enum err rule_parse(struct arena *arena, const struct json *rule, const struct json **out,
                           const char **why)
{
    bool fits = rule->type == JSON_BOOL || rule->type == JSON_OBJECT ||
                (rule->type == JSON_STRING && rule_is_word(rule->text));
    if (!fits)
        return fault(arena, rule, why,
                     "\"" SLICE_FMT "\" must be true, false, \"all\", \"own\", \"team\", "
                     "\"department\", \"subtree\", \"parent\" or a filter",
                     SLICE_ARG(rule->key));
    *out = rule->type == JSON_BOOL && !rule->boolean ? NULL : rule;
    return ERR_OK;
}

static bool access_parse(struct slice word, enum role_access *out)
{
    if (slice_is(word, "none"))
        *out = ROLE_NONE;
    else if (slice_is(word, "read"))
        *out = ROLE_READ_ONLY;
    else if (slice_is(word, "write"))
        *out = ROLE_WRITE;
    else
        return false;
    return true;
}

static enum err fields_parse(struct arena *arena, const struct json *fields,
                             struct role_grant *grant, const char **why)
{
    if (fields->type != JSON_OBJECT)
        return fault(arena, fields, why, "\"fields\" must be an object");
    json_each(access, fields)
    {
        enum role_access parsed;
        if (access->type != JSON_STRING || !access_parse(access->text, &parsed))
            return fault(arena, access, why,
                         "the access to field \"" SLICE_FMT "\" must be none, read or write",
                         SLICE_ARG(access->key));
    }
    grant->fields = fields;
    return ERR_OK;
}

/* An array of names, or true; false and [] grant nothing. */
static enum err names_parse(struct arena *arena, const struct json *names, const struct json **out,
                            const char **why)
{
    if (names->type == JSON_BOOL) {
        *out = names->boolean ? names : NULL;
        return ERR_OK;
    }
    if (names->type != JSON_ARRAY)
        return fault(arena, names, why, "\"" SLICE_FMT "\" must be true or a list of names",
                     SLICE_ARG(names->key));
    json_each(name, names)
    {
        if (name->type != JSON_STRING)
            return fault(arena, name, why, "\"" SLICE_FMT "\" must be a list of names",
                         SLICE_ARG(names->key));
    }
    *out = names;
    return ERR_OK;
}

static enum err member_parse(struct arena *arena, const struct json *member,
                             struct role_grant *grant, const char **why)
{
    for (int action = 0; action < ROLE_ACTIONS; action++)
        if (slice_is(member->key, action_names[action]))
            return rule_parse(arena, member, &grant->rules[action], why);
    if (slice_is(member->key, "actions"))
        return names_parse(arena, member, &grant->actions, why);
    if (slice_is(member->key, "fields"))
        return fields_parse(arena, member, grant, why);
    return fault(arena, member, why,
                 "unknown action \"" SLICE_FMT "\" (read, create, update, delete, export, import, "
                 "actions, fields)",
                 SLICE_ARG(member->key));
}

static enum err grants_parse(struct arena *arena, const struct json *grants, struct role *role,
                             const char **why)
{
    if (grants && grants->type != JSON_OBJECT)
        return fault(arena, grants, why, "\"grants\" must be an object");
    json_each(entity, grants)
    {
        if (entity->type != JSON_OBJECT)
            return fault(arena, entity, why, "the grant for \"" SLICE_FMT "\" must be an object",
                         SLICE_ARG(entity->key));
        struct role_grant *grant = arena_make(arena, struct role_grant);
        grant->entity = arena_str(arena, entity->key);
        json_each(member, entity)
        {
            enum err e = member_parse(arena, member, grant, why);
            if (e)
                return e;
        }
        (void)map_put(&role->grants, slice_str(grant->entity), grant);
    }
    return ERR_OK;
}

enum err role_parse(struct arena *arena, const struct json *doc, struct role **out,
                    const char **why)
{
    ASSERT(arena && doc);
    ASSERT(out);
    if (doc->type != JSON_OBJECT)
        return fault(arena, doc, why, "a role must be an object");
    struct role *role = arena_make(arena, struct role);
    role->name = json_cstr(doc, "name", NULL);
    if (!role->name || !*role->name)
        return fault(arena, doc, why, "a role needs a \"name\"");
    role->label = json_cstr(doc, "label", role->name);
    map_init(&role->grants, arena);

    enum err e = grants_parse(arena, json_get(doc, "grants"), role, why);
    const struct json *admin = json_get(doc, "admin");
    if (!e && admin)
        e = names_parse(arena, admin, &role->admin, why);
    if (e)
        return e;
    *out = role;
    return ERR_OK;
}

const struct role_grant *role_grant_of(const struct role *role, const char *entity)
{
    ASSERT(role && entity);
    const struct role_grant *grant = map_get(&role->grants, slice_str(entity));
    return grant ? grant : map_get(&role->grants, SLICE("*"));
}

enum role_access role_field_access(const struct role_grant *grant, const char *field)
{
    ASSERT(grant && field);
    if (!grant->fields)
        return ROLE_WRITE;
    const struct json *access = json_get(grant->fields, field);
    if (!access)
        access = json_get(grant->fields, "*");
    if (!access)
        return ROLE_WRITE;
    enum role_access parsed;
    bool ok = access_parse(access->text, &parsed);
    ASSERT(ok); /* role_parse has seen it */
    return parsed;
}

bool role_may_admin(const struct role *role, const char *area)
{
    ASSERT(role && area);
    if (!role->admin)
        return false;
    if (role->admin->type == JSON_BOOL)
        return role->admin->boolean;
    json_each(name, role->admin)
    {
        if (slice_is(name->text, area))
            return true;
    }
    return false;
}
