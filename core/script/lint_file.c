/* lint_file - what the tokens of one file say about entities, fields, settings and texts.
 *
 * A name stands for a record or for ctx.db only where it is declared once in its function, by an
 * expression that says so, and never set again: everything else is left to the run.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "script/bind.h"
#include "script/lint_in.h"

#define PATH_MAX_REFS 8

enum alias_kind { ALIAS_RECORD, ALIAS_DB, ALIAS_SYSTEM_DB };

struct alias {
    struct slice name;
    int from, until; /* tokens it holds for */
    enum alias_kind kind;
    const struct entity *const *entities; /* ended by NULL; of a record */
};

struct scan {
    struct lint *lint;
    const struct token *at;
    int count;
    struct alias aliases[LINT_ALIASES_MAX];
    int aliases_count;
};

/* --- looking at tokens --- */

static bool is(const struct scan *s, int i, const char *text)
{
    const struct token *token = &s->at[i < 0 || i > s->count ? s->count : i];
    return token->kind != TOKEN_TEXT && slice_is(token->text, text);
}

static bool is_name(const struct scan *s, int i)
{
    return i >= 0 && i < s->count && s->at[i].kind == TOKEN_NAME;
}

static bool is_text(const struct scan *s, int i)
{
    return i >= 0 && i < s->count && s->at[i].kind == TOKEN_TEXT && s->at[i].text.at;
}

static bool same(const struct scan *s, int i, struct slice name)
{
    return is_name(s, i) && slice_eq(s->at[i].text, name);
}

/* A member of something: behind a dot or a colon. */
static bool is_member(const struct scan *s, int i)
{
    return is(s, i - 1, ".") || is(s, i - 1, ":");
}

/* The innermost function around a token, as the tokens it spans. */
static void function_of(const struct scan *s, int i, int *from, int *until)
{
    *from = 0;
    *until = s->count;
    for (int k = i - 1; k >= 0; k--)
        if (is(s, k, "function") && s->at[k].pair > i) {
            *from = k;
            *until = s->at[k].pair;
            return;
        }
}

/* How often a name is made or set between two tokens: a second time, and nothing is sure. */
static int declared(const struct scan *s, struct slice name, int from, int until)
{
    int count = 0, braces = 0;
    for (int i = from; i < until; i++) {
        braces += is(s, i, "{") - is(s, i, "}");
        if (!same(s, i, name) || is_member(s, i))
            continue;
        bool is_key = braces > 0 && is(s, i + 1, "=") &&
                      (is(s, i - 1, "{") || is(s, i - 1, ",") || is(s, i - 1, ";"));
        int k = i;
        while (is(s, k - 1, ",") && is_name(s, k - 2) && !is_member(s, k - 2))
            k -= 2;
        bool in_list = is(s, k - 1, "local") || is(s, k - 1, "for") ||
                       (is(s, k - 1, "function") && !is_member(s, i));
        int p = i; /* back over the names before it */
        while (p > from && (is_name(s, p) || is(s, p, ",")))
            p--;
        bool is_parameter =
            p > from && is(s, p, "(") && s->at[p].pair > i &&
            (is(s, p - 1, "function") || (is_name(s, p - 1) && is(s, p - 2, "function")) ||
             (is_name(s, p - 1) && is_member(s, p - 1) && is(s, p - 4, "function")));
        count += in_list || is_parameter || (is(s, i + 1, "=") && !is_key);
    }
    return count;
}

/* --- saying --- */

static void unknown_field(const struct scan *s, int line, const struct entity *entity,
                          struct slice name)
{
    lint_say(s->lint, line, "%s has no field \"" SLICE_FMT "\"%s", entity->name, SLICE_ARG(name),
             lint_near(s->lint->ctx->arena, record_suggest(entity, name)));
}

static void check_field(const struct scan *s, int line, const struct entity *const *entities,
                        struct slice name)
{
    const struct entity *first = *entities; /* by name: they come in no order */
    for (const struct entity *const *one = entities; *one; one++) {
        if (entity_field(*one, name))
            return;
        if (strcmp((*one)->name, first->name) < 0)
            first = *one;
    }
    if (first && !s->lint->lacks_optional)
        unknown_field(s, line, first, name);
}

/* "account.owner": each step is a field of what the one before refers to. */
static void check_path(const struct scan *s, int line, const struct entity *entity,
                       struct slice path)
{
    for (int i = 0; entity && path.len && i < PATH_MAX_REFS; i++) {
        struct slice name = slice_split(&path, '.');
        const struct field *field = entity_field(entity, name);
        if (!field) {
            check_field(s, line, (const struct entity *const[]){entity, NULL}, name);
            return;
        }
        entity = model_ref(s->lint->model, field);
    }
}

static const struct entity *find_entity(const struct scan *s, int i)
{
    const struct model *model = s->lint->model;
    struct slice name = s->at[i].text;
    const struct entity *entity = model_entity(model, name);
    if (entity || s->lint->lacks_optional)
        return entity;
    const char *near = NULL;
    for (int k = 0, least = 4; k < model->entities_count; k++) {
        int distance = text_nearness(name, slice_str(model->entity_list[k]->name), 3);
        if (distance < least) {
            least = distance;
            near = model->entity_list[k]->name;
        }
    }
    lint_say(s->lint, s->at[i].line, "there is no entity \"" SLICE_FMT "\"%s", SLICE_ARG(name),
             lint_near(s->lint->ctx->arena, near));
    return NULL;
}

/* --- names that stand for something --- */

static const struct alias *alias_of(const struct scan *s, int i)
{
    for (int k = 0; k < s->aliases_count; k++) {
        const struct alias *alias = &s->aliases[k];
        if (i > alias->from && i < alias->until && same(s, i, alias->name) && !is_member(s, i))
            return alias;
    }
    return NULL;
}

static void alias_add(struct scan *s, int name, int until, enum alias_kind kind,
                      const struct entity *const *entities)
{
    int from, end;
    function_of(s, name, &from, &end);
    if (s->aliases_count == LINT_ALIASES_MAX || declared(s, s->at[name].text, from, end) != 1)
        return;
    s->aliases[s->aliases_count++] =
        (struct alias){s->at[name].text, name, until < end ? until : end, kind, entities};
}

/* ctx.db, ctx.db:as_system() or a name for one of them, at i: the token behind it; 0 = it is none.
 */
static int db_at(const struct scan *s, int i, bool *as_system)
{
    const struct alias *alias = is_name(s, i) ? alias_of(s, i) : NULL;
    int next = 0;
    *as_system = false;
    if (alias && alias->kind != ALIAS_RECORD) {
        *as_system = alias->kind == ALIAS_SYSTEM_DB;
        next = i + 1;
    } else if (is(s, i, "ctx") && !is_member(s, i) && is(s, i + 1, ".") && is(s, i + 2, "db")) {
        next = i + 3;
    }
    if (next && is(s, next, ":") && is(s, next + 1, "as_system") && is(s, next + 2, "(") &&
        is(s, next + 3, ")")) {
        *as_system = true;
        next += 4;
    }
    return next;
}

/* <db>.lead:get at i: the token of the method's name, and the entity; 0 = it is none. */
static int method_at(const struct scan *s, int i, const struct entity **entity, bool *as_system)
{
    int next = db_at(s, i, as_system);
    if (!next || !is(s, next, ".") || !is_name(s, next + 1) || !is(s, next + 2, ":") ||
        !is_name(s, next + 3))
        return 0;
    *entity = model_entity(s->lint->model, s->at[next + 1].text);
    return next + 3;
}

static bool is_one_of(const struct scan *s, int i, const char *const *names)
{
    for (; *names; names++)
        if (is(s, i, *names))
            return true;
    return false;
}

/* Does a value end before token i, so that nothing else is done with it? */
static bool ends_here(const struct scan *s, int i)
{
    static const char *const on[] = {".", ":", "[", "(", "{", "or", "and", "..", "==", "~=",
                                     ",", "+", "-", "*", "/", "<",  ">",   "<=", ">=", NULL};
    return !is_one_of(s, i, on) && !(i < s->count && s->at[i].kind == TOKEN_TEXT);
}

/* The arguments behind a method's name: the token behind them; 0 = it is not called. */
static int behind_call(const struct scan *s, int method)
{
    bool called = is(s, method + 1, "(") || is(s, method + 1, "{");
    return called ? s->at[method + 1].pair + 1 : 0;
}

static const struct entity *const *list_of(const struct scan *s, const struct entity *entity)
{
    const struct entity **list = arena_array(s->lint->ctx->arena, const struct entity *, 2);
    list[0] = entity;
    return list;
}

/* local lead = ctx.db.lead:get(id), with or without assert(…). */
static void see_read(struct scan *s, int name, int value)
{
    static const char *const gives_one[] = {"get", "insert", "update", NULL};
    const struct entity *entity = NULL;
    bool as_system, asserted = is(s, value, "assert") && is(s, value + 1, "(");
    int method = method_at(s, asserted ? value + 2 : value, &entity, &as_system);
    int behind = method && entity && is_one_of(s, method, gives_one) ? behind_call(s, method) : 0;
    if (behind && asserted)
        behind = is(s, behind, ")") ? behind + 1 : 0;
    if (behind && ends_here(s, behind))
        alias_add(s, name, s->count, ALIAS_RECORD, list_of(s, entity));
}

static void see_local(struct scan *s, int i)
{
    int name = i + 1, value = name + 1;
    while (is(s, value, ",") && is_name(s, value + 1))
        value += 2;
    bool alone = value == name + 1, as_system;
    if (!is_name(s, name) || !is(s, value, "="))
        return;
    int behind = db_at(s, ++value, &as_system);
    if (behind && alone && ends_here(s, behind))
        alias_add(s, name, s->count, as_system ? ALIAS_SYSTEM_DB : ALIAS_DB, NULL);
    else if (alone)
        see_read(s, name, value);
}

/* for lead in ctx.db.lead:each {…} do; for _, lead in ipairs(ctx.db.lead:find {…}) do */
static void see_for(struct scan *s, int i)
{
    const struct entity *entity = NULL;
    bool as_system;
    bool pairs = is(s, i + 2, ",") && is(s, i + 4, "in") && is(s, i + 5, "ipairs");
    int name = pairs ? i + 3 : i + 1;
    int method =
        pairs ? method_at(s, i + 7, &entity, &as_system) : method_at(s, i + 3, &entity, &as_system);
    if (!method || !entity || !is_name(s, name) || (!pairs && !is(s, i + 2, "in")) ||
        !is(s, method, pairs ? "find" : "each"))
        return;
    int block = behind_call(s, method);
    while (block && block < s->count && !is(s, block, "do"))
        block++;
    if (block && block < s->count)
        alias_add(s, name, s->at[block].pair, ALIAS_RECORD, list_of(s, entity));
}

/* --- tables --- */

/* A key at i of a table: its text; {NULL, 0} for what is none. *next is the token of its value. */
static struct slice key_at(const struct scan *s, int i, int *next)
{
    bool first = is(s, i - 1, "{") || is(s, i - 1, ",") || is(s, i - 1, ";");
    if (first && is_name(s, i) && is(s, i + 1, "=")) {
        *next = i + 2;
        return s->at[i].text;
    }
    if (first && is(s, i, "[") && is_text(s, i + 1) && is(s, i + 2, "]") && is(s, i + 3, "=")) {
        *next = i + 4;
        return s->at[i + 1].text;
    }
    return (struct slice){0};
}

/* Skips what is nested in a table; gives the next token of its own level. */
static int step_over(const struct scan *s, int i)
{
    bool opens = is(s, i, "{") || is(s, i, "(") || is(s, i, "function") ||
                 (is(s, i, "[") && !is_text(s, i + 1));
    return opens && s->at[i].pair > i ? s->at[i].pair + 1 : i + 1;
}

static void check_filter(const struct scan *s, int table, const struct entity *entity)
{
    static const char *const words[] = {"and", "or", "not", NULL};
    for (int i = table + 1; i < s->at[table].pair; i = step_over(s, i)) {
        int value = 0;
        struct slice key = key_at(s, i, &value);
        bool is_word = false;
        for (const char *const *word = words; *word; word++)
            is_word = is_word || slice_is(key, *word);
        if (key.at && !is_word)
            check_path(s, s->at[i].line, entity, key);
    }
}

static void check_order(const struct scan *s, int i, const struct entity *entity)
{
    struct slice rest = s->at[i].text;
    while (rest.len) {
        struct slice name = slice_split(&rest, ',');
        if (slice_starts(name, SLICE("-")))
            name = slice_of(name.at + 1, name.len - 1);
        check_path(s, s->at[i].line, entity, name);
    }
}

static void check_query(const struct scan *s, int table, const struct entity *entity)
{
    for (int i = table + 1; i < s->at[table].pair; i = step_over(s, i)) {
        int value = 0;
        struct slice key = key_at(s, i, &value);
        if (slice_is(key, "where") && is(s, value, "{"))
            check_filter(s, value, entity);
        else if (slice_is(key, "order") && is_text(s, value) &&
                 (is(s, value + 1, ",") || is(s, value + 1, "}")))
            check_order(s, value, entity);
    }
}

static void check_fields(const struct scan *s, int table, const struct entity *entity)
{
    for (int i = table + 1; i < s->at[table].pair; i = step_over(s, i)) {
        int value = 0;
        struct slice key = key_at(s, i, &value);
        if (key.at)
            check_field(s, s->at[i].line, list_of(s, entity), key);
    }
}

/* The table that is the n-th argument of a call; 0 = it is no table that stands there. */
static int table_argument(const struct scan *s, int method, int n)
{
    int open = method + 1;
    if (is(s, open, "{"))
        return n == 0 ? open : 0;
    if (!is(s, open, "("))
        return 0;
    int at = open + 1;
    for (int i = at; n > 0 && i < s->at[open].pair; i = step_over(s, i))
        if (is(s, i, ",")) {
            at = i + 1;
            n--;
        }
    return n == 0 && is(s, at, "{") ? at : 0;
}

/* --- what is judged --- */

static void check_capability(const struct scan *s, int i, const struct entity *entity,
                             const char *wanted)
{
    if (s->lint->only_model)
        return;
    json_each(item, json_get(s->lint->plugin->manifest, "capabilities"))
    {
        struct slice rest = item->text;
        if (!entity && slice_starts(rest, slice_str(wanted)))
            return;
        if (entity && slice_is(slice_split(&rest, ':'), "db") &&
            slice_is(slice_split(&rest, ':'), entity->name) &&
            (strcmp(wanted, "r") == 0 || slice_is(rest, "rw")))
            return;
    }
    if (entity)
        lint_say(s->lint, s->at[i].line, "plugin.json does not declare the capability \"db:%s:%s\"",
                 entity->name, wanted);
    else
        lint_say(s->lint, s->at[i].line, "plugin.json declares no capability \"%s\"", wanted);
}

static void see_call(const struct scan *s, int i)
{
    static const char *const asks[] = {"find", "each", "count", "aggregate", NULL};
    static const char *const writes[] = {"insert", "update", "delete", NULL};
    const struct entity *entity = NULL;
    bool as_system = false;
    int method = method_at(s, i, &entity, &as_system), table = 0;
    if (!method)
        return;
    if (!entity) {
        (void)find_entity(s, method - 2);
        return;
    }
    if (as_system)
        check_capability(s, method, entity, is_one_of(s, method, writes) ? "rw" : "r");
    if (is_one_of(s, method, asks) && (table = table_argument(s, method, 0)))
        check_query(s, table, entity);
    else if (is(s, method, "insert") && (table = table_argument(s, method, 0)))
        check_fields(s, table, entity);
    else if (is(s, method, "update") && (table = table_argument(s, method, 1)))
        check_fields(s, table, entity);
}

static void check_config(const struct scan *s, int i)
{
    struct slice name = s->at[i].text;
    const char *near = NULL;
    int least = 4;
    if (s->lint->only_model)
        return;
    json_each(setting, json_get(s->lint->plugin->manifest, "config"))
    {
        struct slice declared_name = json_str(setting, "name", SLICE(""));
        int distance = text_nearness(name, declared_name, 3);
        if (slice_eq(name, declared_name))
            return;
        if (distance < least) {
            least = distance;
            near = json_cstr(setting, "name", NULL);
        }
    }
    lint_say(s->lint, s->at[i].line, "plugin.json has no setting \"" SLICE_FMT "\"%s",
             SLICE_ARG(name), lint_near(s->lint->ctx->arena, near));
}

static void check_event(const struct scan *s, int i)
{
    const char *name = arena_str(s->lint->ctx->arena, s->at[i].text);
    const struct model_view *view = model_view(s->lint->model, NULL, "event", name);
    if (s->lint->only_model)
        return;
    if (!view || strcmp(view->plugin, s->lint->plugin->id) != 0)
        lint_say(s->lint, s->at[i].line, "%s does not declare the event \"%s\"",
                 s->lint->plugin->id, name);
}

/* ctx.NAME at i. */
static void see_context(const struct scan *s, int i)
{
    if (!is(s, i, "ctx") || is_member(s, i) || !is(s, i + 1, "."))
        return;
    bool called = is(s, i + 3, "(") || is(s, i + 3, "{");
    bool single = is(s, i + 5, ")") || is(s, i + 5, ",");
    if (is(s, i + 2, "config") && is(s, i + 3, ".") && is_name(s, i + 4))
        check_config(s, i + 4);
    else if (is(s, i + 2, "mail") && called)
        check_capability(s, i, NULL, "mail");
    else if (is(s, i + 2, "http") && is(s, i + 3, "."))
        check_capability(s, i, NULL, "http:");
    else if (is(s, i + 2, "emit") && is_text(s, i + 4) && single)
        check_event(s, i + 4);
}

/* ctx.t("@key"), ev:abort("@key"), ev:conflict("@key"), ev:fail(field, "@key"). */
static void see_key(const struct scan *s, int i)
{
    if (!is_text(s, i) || !slice_starts(s->at[i].text, SLICE("@")) || is(s, i + 1, ".."))
        return;
    bool first = is(s, i - 1, "(") &&
                 (is(s, i - 2, "t") || is(s, i - 2, "abort") || is(s, i - 2, "conflict"));
    bool second = is(s, i - 1, ",") && is(s, i - 3, "(") && is(s, i - 4, "fail");
    if ((first || second) && is_member(s, second ? i - 4 : i - 2))
        lint_key(s->lint, s->at[i].line, s->at[i].text);
}

static void see_record(const struct scan *s, int i)
{
    const struct alias *alias = is_name(s, i) ? alias_of(s, i) : NULL;
    if (alias && alias->kind == ALIAS_RECORD && is(s, i + 1, ".") && is_name(s, i + 2))
        check_field(s, s->at[i + 2].line, alias->entities, s->at[i + 2].text);
}

/* --- functions that are bound --- */

/* ev.record or ev.old at i. */
static bool is_record(const struct scan *s, int i, struct slice event)
{
    return same(s, i, event) && !is_member(s, i) && is(s, i + 1, ".") &&
           (is(s, i + 2, "record") || is(s, i + 2, "old"));
}

static void see_handler(struct scan *s, const struct binding *binding, int from, int until)
{
    struct slice event = slice_str(binding->event);
    const struct entity *const *entities = binding->entities;
    for (int i = from; i < until; i++) {
        if (is(s, i, "local") && is_name(s, i + 1)) {
            int value = i + 2;
            while (is(s, value, ",") && is_name(s, value + 1))
                value += 2;
            if (is(s, value, "=") && is_record(s, value + 1, event) &&
                (is(s, value + 4, ",") || ends_here(s, value + 4)))
                alias_add(s, i + 1, until, ALIAS_RECORD, entities);
        }
        if (is_record(s, i, event) && is(s, i + 3, ".") && is_name(s, i + 4))
            check_field(s, s->at[i + 4].line, entities, s->at[i + 4].text);
        bool asks = same(s, i, event) && is(s, i + 1, ":") && is(s, i + 3, "(") &&
                    is_text(s, i + 4) && (is(s, i + 5, ",") || is(s, i + 5, ")"));
        if (asks && (is(s, i + 2, "changed") || (is(s, i + 2, "fail") && !binding->is_action)))
            check_field(s, s->at[i + 4].line, entities, s->at[i + 4].text);
    }
}

/* The one function that begins on the line where the bound one does, and has its parameter. */
static int header_of(const struct scan *s, const struct binding *binding)
{
    int found = -1;
    for (int i = 0; i < s->count; i++) {
        if (!is(s, i, "function") || s->at[i].line != binding->first_line)
            continue;
        if (found >= 0 || s->at[s->at[i].pair].line != binding->last_line)
            return -1;
        found = i;
    }
    return found;
}

static void see_binding(struct scan *s, const struct binding *binding)
{
    int from = header_of(s, binding);
    if (from < 0 || !binding->event || !binding->entities[0] || binding->is_many)
        return;
    int until = s->at[from].pair;
    if (declared(s, slice_str(binding->event), from, until) == 1)
        see_handler(s, binding, from, until);
}

static struct scan *scan_of(struct lint *lint)
{
    struct scan *s = arena_make(lint->ctx->arena, struct scan);
    s->lint = lint;
    s->at = lint->tokens.items;
    s->count = lint->tokens.count;
    return s;
}

void lint_file_keys(struct lint *lint)
{
    const struct scan *s = scan_of(lint);
    for (int i = 0; i < s->count; i++)
        see_key(s, i);
}

void lint_file(struct lint *lint)
{
    struct scan *s = scan_of(lint);
    for (int i = 0; i < s->count; i++) { /* names first: what they stand for holds below */
        if (is(s, i, "local"))
            see_local(s, i);
        else if (is(s, i, "for"))
            see_for(s, i);
    }
    for (const struct binding *b = lint->bindings; b; b = b->next)
        see_binding(s, b);
    for (int i = 0; i < s->count; i++) {
        see_call(s, i);
        see_context(s, i);
        see_key(s, i);
        see_record(s, i);
    }
}
