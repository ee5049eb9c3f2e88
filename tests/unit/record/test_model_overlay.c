/* test_model_overlay - a tenant's own declarations on top of what all share: the outcome is that of
 * building everything from the beginning, and nothing of it is seen by anybody else.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "record/model_build.h"

/* --- all that a model says, as text --- */

static void put(struct buf *out, const char *what, const char *text)
{
    buf_printf(out, " %s=%s", what, text ? text : "-");
}

static void put_tree(struct buf *out, const char *what, const struct json *tree)
{
    buf_printf(out, " %s=", what);
    if (tree)
        json_put(out, tree);
}

static void put_options(struct buf *out, const struct field *field)
{
    for (int i = 0; i < field->options_count; i++) {
        const struct field_option *o = &field->options[i];
        buf_printf(out, " [%s %s %s %s %d]", o->value, o->label, o->tone ? o->tone : "",
                   o->parent ? o->parent : "", o->is_active);
        put_tree(out, "labels", o->labels);
    }
}

static void put_field(struct buf *out, const struct model *model, const struct field *f)
{
    const struct entity *target = model_ref(model, f);
    const struct field *end = field_lookup_end(f);
    buf_printf(out, "\n  %s", f->name);
    put(out, "label", f->label);
    put(out, "help", f->help);
    put(out, "plugin", f->plugin);
    put(out, "type", f->type->name);
    put(out, "column", f->column);
    put(out, "sort", f->sort_column);
    put(out, "ref", target ? target->name : NULL);
    put(out, "ref_entity", f->ref_entity);
    put(out, "end", end ? end->name : NULL);
    put(out, "of", f->entity->name);
    buf_printf(out, " %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d", f->no, f->n, f->slot,
               f->sort_slot, f->is_required, f->is_readonly, f->is_unique, f->is_search,
               f->is_title, f->is_system, f->is_hidden, f->is_audited, f->is_quick, f->is_inline,
               f->length_max, f->scale);
    buf_printf(out, " %lld %lld %d %d", (long long)f->min, (long long)f->max, f->type->columns,
               f->type->kind);
    put_tree(out, "required", f->required_when);
    put_tree(out, "readonly", f->readonly_when);
    put_tree(out, "visible", f->visible_when);
    put_tree(out, "hidden", f->hidden_when);
    put_tree(out, "default", f->fallback);
    put_options(out, f);
}

static void put_entity(struct buf *out, const struct model *model, const struct entity *entity)
{
    buf_printf(out, "\n%s %d %s %s %d %d %d", entity->name, entity->n, entity->table,
               entity->title_field->name, entity->slots, entity->has_search, entity->at);
    for (int i = 0; i < entity->fields_count; i++) {
        put_field(out, model, entity->fields[i]);
        assert_ptr_equal(entity->fields[i]->entity, entity);
        assert_ptr_equal(entity_field(entity, slice_str(entity->fields[i]->name)),
                         entity->fields[i]);
    }
    for (int i = 0; i < entity->slots; i++)
        buf_printf(out, " %s:%d", entity->columns[i], entity->column_types[i]);
    for (int i = 0; i < entity->indexes_count; i++)
        put(out, "index", entity->indexes[i].name);
    for (int i = 0; i < entity->referrers_count; i++) {
        struct entity_ref ref = model_referrer(model, entity, i);
        buf_printf(out, "\n  < %s.%s", ref.from->name, ref.field->name);
        assert_ptr_equal(model_ref(model, ref.field), entity);
    }
}

static void put_tables(struct buf *out, const struct store_schema *schema)
{
    for (int i = 0; i < schema->tables_count; i++) {
        const struct store_table *t = &schema->tables[i];
        buf_printf(out, "\ntable %s %d %d", t->name, t->tokens, t->late);
        for (int k = 0; k < t->columns_count; k++)
            buf_printf(out, " %s", t->columns[k].name);
        for (int k = 0; k < t->indexes_count; k++)
            buf_printf(out, "\n  %s(%s)", t->indexes[k].name, t->indexes[k].columns);
    }
    buf_printf(out, "\n%llx", (unsigned long long)schema->hash);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Texts and roles, whose maps have no order. */
static void put_unordered(struct arena *arena, struct buf *out, const struct model *model)
{
    const char **lines = arena_array(arena, const char *, 40000);
    int count = 0;
    struct slice key;
    const char *text;
    void *role;
    for (int lang = 0; lang < LANG_COUNT; lang++)
        for (size_t at = 0; model_text_next(model, (enum lang)lang, &at, &key, &text);)
            lines[count++] = arena_printf(arena, "%d " SLICE_FMT "=%s", lang, SLICE_ARG(key), text);
    for (size_t at = 0; map_next(&model->roles, &at, &key, &role);) {
        struct buf tree = BUF_INIT;
        json_put(&tree, map_get(&model->role_trees, key) ? map_get(&model->role_trees, key)
                                                         : map_get(&model->base->role_trees, key));
        lines[count++] =
            arena_printf(arena, "role %s %d " SLICE_FMT, ((struct role *)role)->name,
                         (int)((struct role *)role)->grants.count, SLICE_ARG(buf_slice(&tree)));
        buf_release(&tree);
    }
    qsort(lines, (size_t)count, sizeof *lines, compare_lines);
    for (int i = 0; i < count; i++)
        buf_printf(out, "\n%s", lines[i]);
}

static const char *said(struct place *p, const struct model *model)
{
    struct buf out = BUF_INIT;
    for (int i = 0; i < model->plugins_count; i++)
        buf_printf(&out, "%s %d %s\n", model->plugins[i]->id, model->plugins[i]->order,
                   model->plugins[i]->broken ? model->plugins[i]->broken : "");
    for (int i = 0; i < model->entities_count; i++)
        put_entity(&out, model, model->entity_list[i]);
    put_tables(&out, model->schema);
    for (int i = 0; i < model->views_count; i++) {
        const struct model_view *view = model->view_list[i];
        buf_printf(&out, "\n%s %s %s %s", view->kind, view->name, view->plugin,
                   view->entity ? view->entity : "");
        put_tree(&out, "body", view->body);
    }
    for (int i = 0; i < model->dictionaries_count; i++)
        buf_printf(&out, "\n%s %d %d", model->dictionary_list[i]->name,
                   model->dictionary_list[i]->options_count, model->dictionary_list[i]->is_own);
    for (const struct model_warning *w = model->warnings; w; w = w->next)
        buf_printf(&out, "\n%s", w->text);
    put_unordered(p->arena, &out, model);
    buf_printf(&out, "\n%llx %llx", (unsigned long long)model->hash,
               (unsigned long long)model->texts_hash[LANG_EN]);
    const char *text = arena_str(p->arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

/* The model in use, which shares, and one that is built from the beginning say the same. */
static void same_as_whole(struct place *p)
{
    struct model *whole = NULL;
    const char *why = "";
    assert_int_equal(model_plan(p->tenant, p->home, false, NULL, 0, &whole, &why), ERR_OK);
    assert_null(whole->base);
    const char *ours = said(p, p->model), *wanted = said(p, whole);
    size_t same = 0;
    while (ours[same] && ours[same] == wanted[same])
        same++;
    if (ours[same] != wanted[same])
        fail_msg("differs: …%.200s… and not …%.200s…", ours + (same > 60 ? same - 60 : 0),
                 wanted + (same > 60 ? same - 60 : 0));
    model_free(whole);
}

/* --- bundles --- */

static void bundle(struct place *p, const char *entities)
{
    place_bundle(p, "bolt.sales", "plugin.json",
                 "{\"id\":\"bolt.sales\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"B\","
                 "\"requires\":{\"leads\":\"^1\",\"people\":\"^1\"}}");
    place_bundle(p, "bolt.sales", "entities/all.json", entities);
}

#define LEVEL                                                                                      \
    "{\"extend\":\"lead\",\"fields\":[{\"no\":1,\"name\":\"x_level\",\"type\":\"text\","           \
    "\"label\":\"@level\",\"search\":true},{\"name\":\"name\",\"label\":\"@called\"}],"            \
    "\"indexes\":[{\"name\":\"level\",\"fields\":[\"x_level\"]}]}"
#define VISIT                                                                                      \
    "{\"name\":\"x_visit\",\"title\":\"name\",\"owner\":true,\"fields\":["                         \
    "{\"no\":1,\"name\":\"name\",\"type\":\"text\"},"                                              \
    "{\"no\":2,\"name\":\"account\",\"type\":\"ref\",\"entity\":\"account\"},"                     \
    "{\"no\":3,\"name\":\"industry\",\"type\":\"lookup\",\"path\":\"account.industry\"},"          \
    "{\"no\":4,\"name\":\"by\",\"type\":\"user\"}]}"

static void rich_bundle(struct place *p)
{
    bundle(p, "[" LEVEL "," VISIT "]");
    place_bundle(p, "bolt.sales", "i18n/en.json",
                 "{\"level\":\"Level\",\"called\":\"Called\",\"people:account\":\"Firm\"}");
    place_bundle(p, "bolt.sales", "views/all.json",
                 "[{\"form\":\"lead\",\"section\":{\"id\":\"section.level\",\"fields\":"
                 "[\"x_level\"]}},{\"kind\":\"list\",\"entity\":\"contact\",\"name\":\"x_by_name\","
                 "\"columns\":[\"name\"],\"sort\":\"-created_at\"},"
                 "{\"kind\":\"list\",\"entity\":\"lead\",\"name\":\"x_level\","
                 "\"columns\":[\"x_level\"],\"sort\":\"x_level\"}]");
    place_bundle(p, "bolt.sales", "roles/all.json",
                 "{\"name\":\"visitor\",\"label\":\"@visitor\",\"grants\":{\"x_visit\":"
                 "{\"read\":\"all\",\"create\":true}}}");
    place_bundle(p, "bolt.sales", "dictionaries/all.json",
                 "{\"extend\":\"industry\",\"values\":[\"bolts\"]}");
}

static void test_model_overlay__says_what_building_all_of_it_says(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model *acme = p->model;
    const char *before = said(p, acme);
    place_switch(p, "bolt");
    rich_bundle(p);
    place_ready(p, "people", "leads", "bolt.sales", NULL);
    assert_ptr_equal(p->model->base, acme->entity_list ? p->model->base : NULL);
    assert_non_null(p->model->base);
    same_as_whole(p);
    assert_string_equal(said(p, acme), before); /* whose tree it lies on */
    assert_int_equal(p->tenant->header.schema_hash, p->model->schema->hash);
}

static void test_model_overlay__shares_what_no_bundle_touches(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model *acme = p->model;
    place_switch(p, "bolt");
    bundle(p, "[" LEVEL "]");
    place_ready(p, "people", "leads", "bolt.sales", NULL);
    assert_ptr_equal(place_entity(p, "contact"), model_entity(acme, SLICE("contact")));
    assert_ptr_equal(place_entity(p, "account"), model_entity(acme, SLICE("account")));
    assert_ptr_not_equal(place_entity(p, "lead"), model_entity(acme, SLICE("lead")));
    assert_ptr_equal(map_get(&p->model->roles, SLICE("sales")),
                     map_get(&acme->roles, SLICE("sales")));
    assert_int_equal(p->model->texts_count[LANG_ZH], 0);
    assert_true(arena_used(p->model->arena) < (64 << 10));
}

/* What is shared leads to what the tenant has in its place, and to nobody else's. */
static void test_model_overlay__references_lead_to_the_tenants_own(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model *acme = p->model;
    place_switch(p, "bolt");
    bundle(p, "[{\"extend\":\"account\",\"fields\":[{\"no\":1,\"name\":\"x_tier\","
              "\"type\":\"text\"}]}]");
    place_ready(p, "people", "leads", "bolt.sales", NULL);
    const struct field *shared = place_field(p, "contact", "account");
    assert_ptr_equal(shared, entity_field(model_entity(acme, SLICE("contact")), SLICE("account")));
    assert_ptr_equal(model_ref(p->model, shared), place_entity(p, "account"));
    assert_ptr_equal(model_ref(acme, shared), model_entity(acme, SLICE("account")));
    assert_non_null(entity_field(model_ref(p->model, shared), SLICE("x_tier")));
    assert_null(entity_field(model_ref(acme, shared), SLICE("x_tier")));
    const struct entity *account = model_entity(acme, SLICE("account"));
    for (int i = 0; i < account->referrers_count; i++)
        assert_ptr_equal(
            model_referrer(acme, account, i).from,
            model_entity(acme, slice_str(model_referrer(acme, account, i).from->name)));
}

static void test_model_overlay__own_rows_are_seen_through_lookups(void **state)
{
    struct place *p = *state;
    const struct store_set row[] = {{"dict", value_text(SLICE("industry")), false},
                                    {"value", value_text(SLICE("bolts")), false},
                                    {"sort", value_int(1), false},
                                    {"active", value_int(1), false}};
    place_plugin(p, "shop", "people");
    place_write(p, "shop/entities/sale.json",
                "{\"name\":\"sale\",\"title\":\"name\",\"fields\":["
                "{\"no\":1,\"name\":\"name\",\"type\":\"text\"},"
                "{\"no\":2,\"name\":\"account\",\"type\":\"ref\",\"entity\":\"account\"},"
                "{\"no\":3,\"name\":\"kind\",\"type\":\"lookup\",\"path\":\"account.industry\"}]}");
    place_ready(p, "people", "shop", NULL);
    const struct field *theirs = place_field(p, "sale", "kind");
    int options = theirs->options_count;
    assert_true(options > 1);
    place_switch(p, "bolt");
    place_ready(p, "people", "shop", NULL);
    assert_int_equal(store_begin(p->tenant->store, true), ERR_OK);
    assert_int_equal(store_put(p->tenant->store, "dictionary", row, 4), ERR_OK);
    assert_int_equal(store_header_bump(p->tenant->store, true, false), ERR_OK);
    assert_int_equal(store_commit(p->tenant->store), ERR_OK);
    assert_int_equal(tenant_refresh(p->tenant), ERR_OK);
    place_model(p);
    assert_non_null(p->model->base);
    const struct field *ours = place_field(p, "sale", "kind");
    assert_int_equal(ours->options_count, 1);
    assert_string_equal(ours->options[0].value, "bolts");
    assert_int_equal(theirs->options_count, options);
    same_as_whole(p);
}

/* A bundle that does not fit is left out; what its products make is shared then, too. */
static void test_model_overlay__a_bundle_that_does_not_fit(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model *acme = p->model;
    place_switch(p, "bolt");
    bundle(p, "[{\"extend\":\"lead\",\"fields\":[{\"no\":1,\"name\":\"x_a\",\"type\":\"text\"},"
              "{\"no\":1,\"name\":\"x_b\",\"type\":\"text\"}]}]");
    place_ready(p, "people", "leads", "bolt.sales", NULL);
    assert_non_null(strstr(place_broken(p, "bolt.sales"), "the same number 1"));
    assert_ptr_equal(place_entity(p, "lead"), model_entity(acme, SLICE("lead")));
    same_as_whole(p);
}

/* Where a product itself is broken, all is built in one go. */
static void test_model_overlay__not_on_what_is_broken(void **state)
{
    struct place *p = *state;
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/sale.json", "{\"name\":\"sale\",\"fields\":[{\"name\":\"x\"}]}");
    place_switch(p, "bolt");
    bundle(p, "[" LEVEL "]");
    place_ready(p, "people", "leads", "shop", "bolt.sales", NULL);
    assert_non_null(place_broken(p, "shop"));
    assert_null(p->model->base);
    assert_non_null(place_field(p, "lead", "x_level"));
    same_as_whole(p);
}

static void test_model_overlay__disabling_gives_back_the_shared_tree(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model *acme = p->model;
    place_switch(p, "bolt");
    rich_bundle(p);
    place_ready(p, "people", "leads", "bolt.sales", NULL);
    place_disable(p, "bolt.sales");
    place_model(p);
    assert_ptr_equal(place_entity(p, "lead"), model_entity(acme, SLICE("lead")));
    assert_ptr_equal(p->model->schema, acme->schema);
    place_enable(p, "bolt.sales");
    place_model(p);
    assert_non_null(place_field(p, "lead", "x_level"));
    same_as_whole(p);
}

/* The base lives as long as anybody lies on it, also when no company is left that is all of it. */
static void test_model_overlay__keeps_its_base(void **state)
{
    struct place *p = *state;
    place_switch(p, "bolt");
    bundle(p, "[" LEVEL "]");
    place_ready(p, "people", "leads", "bolt.sales", NULL);
    const struct entity *contact = place_entity(p, "contact");
    const struct model *base = p->model->base;
    assert_ptr_equal(model_entity(base, SLICE("contact")), contact);
    place_switch(p, "acme");
    for (int i = 0; i < 8; i++) { /* other trees push idle ones out */
        place_plugin(p, "shop", NULL);
        place_write(p, "shop/entities/sale.json",
                    arena_printf(p->arena,
                                 "{\"name\":\"sale\",\"title\":\"name\",\"fields\":[{\"no\":1,"
                                 "\"name\":\"name\",\"type\":\"text\",\"length\":%d}]}",
                                 i + 10));
        place_ready(p, "shop", NULL);
    }
    assert_string_equal(contact->name, "contact"); /* ASan would tell of one that is gone */
    place_switch(p, "bolt");
    place_model(p);
    assert_ptr_equal(place_entity(p, "contact"), contact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_model_overlay__##name, place_two, place_end)
        T(says_what_building_all_of_it_says),    T(shares_what_no_bundle_touches),
        T(references_lead_to_the_tenants_own),   T(own_rows_are_seen_through_lookups),
        T(a_bundle_that_does_not_fit),           T(not_on_what_is_broken),
        T(disabling_gives_back_the_shared_tree), T(keeps_its_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
