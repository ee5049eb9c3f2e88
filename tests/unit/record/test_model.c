/* test_model - the model of real plugins, its numbers in the store, broken plugins, extensions,
 * views.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "base/clock.h"
#include "base/limits.h"

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static void test_model__product_plugins_fit(void **state)
{
    struct place *p = *state;
    place_ready(p, "hello", "people", "leads", NULL);
    for (int i = 0; i < p->model->plugins_count; i++)
        if (p->model->plugins[i]->broken)
            fail_msg("%s", p->model->plugins[i]->broken);
    assert_int_equal(p->model->plugins_broken, 0);
    assert_int_equal(p->model->plugins_count, 4);
    assert_null(p->model->warnings);
    const struct entity *lead = place_entity(p, "lead");
    assert_true(lead->has_owner);
    assert_true(lead->has_search);
    assert_string_equal(lead->title_field->name, "name");
    assert_ptr_equal(model_ref(p->model, place_field(p, "lead", "converted_account")),
                     place_entity(p, "account"));
    assert_int_equal(place_entity(p, "user")->n, -1);
    assert_string_equal(place_entity(p, "user")->table, "user");
}

static void test_model__is_kept_until_the_store_moves(void **state)
{
    struct place *p = *state;
    const struct model *again = NULL;
    place_ready(p, "people", NULL);
    assert_int_equal(model_get(p->tenant, p->home, false, &again, NULL), ERR_OK);
    assert_ptr_equal(again, p->model);
    place_enable(p, "hello");
    place_model(p);
    assert_non_null(model_entity(p->model, SLICE("greeting")));
    assert_int_equal(p->model->version, p->tenant->header.model_version);
}

static void test_model__a_reader_waits_for_the_tables(void **state)
{
    struct place *p = *state;
    const struct model *out = NULL;
    const char *why = NULL;
    place_enable(p, "people");
    assert_int_equal(model_get(p->tenant, p->home, false, &out, &why), ERR_BUSY);
    assert_null(out);
    place_model(p);
    assert_int_equal(p->tenant->header.schema_hash, p->model->schema->hash);
}

static bool take_one(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return true;
}

static void test_model__a_record_can_be_stored_and_read(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct entity *lead = place_entity(p, "lead");
    const struct field *name = place_field(p, "lead", "name");
    const struct store_set sets[] = {
        {"id", value_int(7), false},
        {name->column, value_text(SLICE("张三")), false},
        {name->sort_column, value_text(SLICE("zhang san")), false},
    };
    struct store *store = p->tenant->store;
    assert_int_equal(store_begin(store, true), ERR_OK);
    assert_int_equal(store_insert(store, lead->table, sets, 3, NULL), ERR_OK);
    assert_int_equal(store_tokens_put(store, lead->table, 7, SLICE(""), SLICE("1zhang")), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    for (int i = 0; i < lead->slots; i++) {
        const struct query_column column = {.column = {0, lead->columns[i]}};
        const struct query query = {.table = lead->table, .select = &column, .select_count = 1};
        int64_t got = -1;
        assert_int_equal(store_read(store, &query, take_one, &got), ERR_OK);
        assert_int_not_equal(got, -1);
    }
}

static void test_model__numbers_are_never_given_twice(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "hello", NULL);
    int account = place_entity(p, "account")->n, name = place_field(p, "account", "name")->n;
    int greeting = place_entity(p, "greeting")->n;
    assert_true(account > 0 && name > 0 && greeting > 0 && account != greeting);
    place_disable(p, "hello");
    place_model(p);
    assert_null(model_entity(p->model, SLICE("greeting")));
    place_ready(p, "leads", NULL);
    assert_int_not_equal(place_entity(p, "lead")->n, greeting);
    assert_int_equal(place_entity(p, "account")->n, account);
    place_ready(p, "hello", NULL);
    assert_int_equal(place_entity(p, "greeting")->n, greeting);
    assert_int_equal(place_field(p, "account", "name")->n, name);
}

static void test_model__slots_follow_the_columns(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", NULL);
    const struct entity *account = place_entity(p, "account");
    const struct field *money = place_field(p, "account", "annual_revenue");
    assert_int_equal(place_field(p, "account", "id")->slot, SLOT_ID);
    assert_int_equal(place_field(p, "account", "origin")->slot, SLOT_ORIGIN);
    assert_string_equal(account->columns[money->slot], money->column);
    assert_string_equal(account->columns[money->slot + 1],
                        arena_printf(p->arena, "%sc", money->column));
    assert_int_equal(account->column_types[money->slot + 1], VALUE_TEXT);
    const struct field *name = place_field(p, "account", "name");
    assert_string_equal(account->columns[name->sort_slot], name->sort_column);
    assert_int_equal(place_field(p, "contact", "industry")->slot, -1);
    assert_string_equal(place_field(p, "user", "name")->sort_column, "name_s");
}

static void test_model__derived_types_take_their_result(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", NULL);
    const struct field *count = place_field(p, "account", "contacts_count");
    assert_string_equal(count->type->name, "rollup");
    assert_int_equal(count->type->kind, KIND_INT);
    assert_true(count->type->is_derived && count->is_readonly);
    const struct field *industry = place_field(p, "contact", "industry");
    assert_ptr_equal(field_lookup_end(industry), place_field(p, "account", "industry"));
    assert_true(industry->options_count > 3);
    const struct entity *account = place_entity(p, "account");
    assert_true(account->referrers_count >= 2); /* contacts and accounts, and what came since */
}

/* --- what does not fit --- */

static void broken_with(struct place *p, const char *entity_json, const char *want)
{
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/order.json", entity_json);
    place_ready(p, "shop", "hello", NULL);
    const char *why = place_broken(p, "shop");
    if (!strstr(why, want))
        fail_msg("\"%s\" does not say \"%s\"", why, want);
    assert_non_null(model_entity(p->model, SLICE("greeting"))); /* the rest serves */
    assert_null(model_entity(p->model, SLICE("order")));
}

static void test_model__a_broken_plugin_is_left_out(void **state)
{
    broken_with(
        *state,
        "{\"name\":\"order\",\n \"fields\":[\n  {\"no\":1,\"name\":\"name\",\"type\":\"txt\"}]}",
        "shop/entities/order.json:3:");
}

static void test_model__a_missing_entity_is_suggested(void **state)
{
    broken_with(*state,
                "{\"name\":\"order\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\"},\n"
                "{\"no\":2,\"name\":\"hi\",\"type\":\"ref\",\"entity\":\"greting\"}]}",
                "shop/entities/order.json:2: order.hi: there is no entity \"greting\" to point to "
                "(did you mean \"greeting\"?)");
}

static void test_model__a_number_is_used_once(void **state)
{
    broken_with(*state,
                "{\"name\":\"order\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\"},"
                "{\"no\":1,\"name\":\"b\",\"type\":\"text\"}]}",
                "the same number 1");
}

static void test_model__timelines_go_by_a_time(void **state)
{
    broken_with(*state,
                "{\"name\":\"order\",\"timeline\":\"name\",\n"
                "\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\"}]}",
                "order has no time \"name\" for its place in timelines");
}

#define CHAIN(name, above)                                                                         \
    "{\"name\":\"" name "\",\"parent\":\"up\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":"   \
    "\"text\"},{\"no\":2,\"name\":\"up\",\"type\":\"ref\",\"entity\":\"" above "\"}]}"

static void test_model__parents_stand_so_high_and_no_higher(void **state)
{
    struct place *p = *state;
    broken_with(
        p, CHAIN("order", "order"),
        arena_printf(p->arena, "order stands below more than %d parents", RIGHTS_PARENTS_MAX));
    broken_with(p,
                "{\"name\":\"order\",\"parent\":\"name\",\"fields\":[{\"no\":1,\"name\":\"name\","
                "\"type\":\"text\"}]}",
                "order has no reference \"name\" to its parent");
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/order.json",
                "[" CHAIN("a", "greeting") "," CHAIN("b", "a") "," CHAIN("c", "b") "," CHAIN(
                    "order", "c") "]");
    place_ready(p, "shop", "hello", NULL);
    assert_non_null(model_entity(p->model, SLICE("order")));
}

static void test_model__only_a_child_has_rights_of_its_parent(void **state)
{
    struct place *p = *state;
    place_write(p, "shop/roles/clerk.json",
                "{\"name\":\"clerk\",\"grants\":{\"order\":{\"read\":\"parent\"}}}");
    broken_with(p,
                "{\"name\":\"order\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\"}]}",
                "order has no \"parent\" whose rights it could follow");
}

/* What is said only for the case that another plugin is there. */
static void test_model__views_may_ask_for_a_plugin(void **state)
{
    struct place *p = *state;
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/views/some.json",
                "[{\"kind\":\"list\",\"name\":\"with\",\"entity\":\"greeting\","
                "\"if_plugin\":\"hello\",\"columns\":[\"name\"]},"
                "{\"kind\":\"list\",\"name\":\"without\",\"entity\":\"nowhere\","
                "\"if_plugin\":\"missing\",\"columns\":[\"name\"]},"
                "{\"form\":\"greeting\",\"if_plugin\":\"missing\",\"section\":{\"id\":\"no\"}},"
                "{\"form\":\"greeting\",\"if_plugin\":\"hello\",\"section\":{\"id\":\"more\"}}]");
    place_ready(p, "shop", "hello", NULL);
    assert_non_null(map_get(&p->model->views, SLICE("greeting.list.with")));
    assert_null(map_get(&p->model->views, SLICE("nowhere.list.without")));
    const struct model_view *form = model_view(p->model, "greeting", "form", "default");
    const struct json *sections = json_get(form->body, "sections");
    assert_string_equal(json_cstr(json_at(sections, sections->count - 1), "id", ""), "more");
    assert_string_not_equal(json_cstr(json_at(sections, sections->count - 2), "id", "no"), "no");
}

static void test_model__a_slip_in_a_report_is_told(void **state)
{
    struct place *p = *state;
    place_sales(
        p, "views/dash.json",
        "{\"kind\":\"dashboard\",\"name\":\"sales\",\"widgets\":["
        "{\"id\":\"a\",\"kind\":\"report\",\"entity\":\"lead\",\"report\":\"leads_by_month\"},"
        "{\"id\":\"b\",\"kind\":\"report\",\"entity\":\"lead\",\"report\":\"leads_by_moon\"},"
        "{\"id\":\"c\",\"kind\":\"report\",\"entity\":\"nowhere\",\"report\":\"none\"}]}");
    assert_non_null(strstr(p->model->warnings->text, "there is no report leads_by_moon"));
    assert_null(p->model->warnings->next);
}

static void test_model__encrypted_fields_are_not_searched(void **state)
{
    broken_with(*state,
                "{\"name\":\"order\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\"},"
                "{\"no\":2,\"name\":\"card\",\"type\":\"bank_card\",\"search\":true}]}",
                "cannot be searched");
}

static void test_model__conditions_name_known_fields(void **state)
{
    broken_with(*state,
                "{\"name\":\"order\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\","
                "\"required_when\":{\"and\":[{\"nmae\":\"x\"}]}}]}",
                "did you mean \"name\"?");
}

static void test_model__malformed_json_names_the_line(void **state)
{
    broken_with(*state, "{\"name\":\"order\",\n \"fields\": [}", "shop/entities/order.json:2: ");
}

static void test_model__those_that_need_a_broken_one_go_too(void **state)
{
    struct place *p = *state;
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/order.json", "{\"name\":\"order\"}");
    place_plugin(p, "till", "shop");
    place_ready(p, "shop", "till", "people", NULL);
    assert_non_null(strstr(place_broken(p, "till"), "shop"));
    assert_non_null(model_entity(p->model, SLICE("account")));
    assert_int_equal(p->model->plugins_broken, 2);
}

static void test_model__a_missing_folder_is_named(void **state)
{
    struct place *p = *state;
    place_ready(p, "ghost", NULL);
    assert_non_null(strstr(place_broken(p, "ghost"), "ghost"));
}

/* --- extensions --- */

static void test_model__a_tenant_adds_and_tightens(void **state)
{
    struct place *p = *state;
    place_sales(p, "entities/lead.json",
                "{\"extend\":\"lead\",\"fields\":["
                "{\"no\":1,\"name\":\"x_level\",\"type\":\"enum\",\"values\":[\"A\",\"B\",\"C\"],"
                "\"default\":\"C\"},"
                "{\"name\":\"company\",\"required\":true,\"length\":60,\"length_min\":2},"
                "{\"name\":\"source\",\"values\":[\"fair\"]}],"
                "\"indexes\":[{\"name\":\"level\",\"fields\":[\"x_level\",\"-score\"]}]}");
    const struct field *level = place_field(p, "lead", "x_level");
    assert_string_equal(level->plugin, "acme.sales");
    assert_int_equal(level->options_count, 3);
    assert_true(level->slot >= SLOT_FIELDS);
    assert_true(place_field(p, "lead", "company")->is_required);
    assert_int_equal(place_field(p, "lead", "company")->length_max, 60);
    assert_int_equal(place_field(p, "lead", "company")->length_min, 2);
    const struct field *source = place_field(p, "lead", "source");
    assert_string_equal(source->options[source->options_count - 1].value, "fair");
}

static void extension_fails(struct place *p, const char *field, const char *want)
{
    place_sales(p, "entities/lead.json",
                arena_printf(p->arena, "{\"extend\":\"lead\",\"fields\":[%s]}", field));
    const char *why = place_broken(p, "acme.sales");
    if (!strstr(why, want))
        fail_msg("\"%s\" does not say \"%s\"", why, want);
    assert_non_null(model_entity(p->model, SLICE("lead")));
}

static void test_model__a_tenant_field_has_its_prefix(void **state)
{
    extension_fails(*state, "{\"no\":1,\"name\":\"level\",\"type\":\"text\"}", "\"x_level\"");
}

static void test_model__an_extension_cannot_loosen(void **state)
{
    extension_fails(*state, "{\"name\":\"company\",\"length\":4000}", "may only tighten");
    extension_fails(*state, "{\"name\":\"company\",\"length_min\":4000}", "may only tighten");
}

static void test_model__an_extension_cannot_retype(void **state)
{
    extension_fails(*state, "{\"name\":\"company\",\"scale\":3}", "cannot be changed");
}

static void test_model__a_slip_in_an_anchor_is_told(void **state)
{
    struct place *p = *state;
    place_sales(
        p, "views/lead.json",
        "{\"form\":\"lead\",\"after\":\"section.contcat\",\"section\":{\"id\":\"section.x\","
        "\"cells\":[]}}");
    assert_non_null(strstr(p->model->warnings->text, "(did you mean \"section.contact\"?)"));
}

static void test_model__views_are_patched_by_id(void **state)
{
    struct place *p = *state;
    place_sales(
        p, "views/lead.json",
        "[{\"form\":\"lead\",\"after\":\"section.contact\",\"section\":{\"id\":\"section.x\","
        "\"cells\":[\"score\"]}},{\"form\":\"lead\",\"after\":\"section.gone\",\"section\":"
        "{\"id\":\"section.y\",\"cells\":[]}},{\"list\":\"lead\",\"remove\":\"grade\"}]");
    const struct model_view *form = model_view(p->model, "lead", "form", "default");
    const struct json *sections = json_get(form->body, "sections");
    assert_string_equal(json_cstr(json_at(sections, 2), "id", ""), "section.x");
    assert_string_equal(json_cstr(json_at(sections, sections->count - 1), "id", ""), "section.y");
    assert_non_null(strstr(p->model->warnings->text, "section.gone"));
    const struct model_view *list = model_view(p->model, "lead", "list", "default");
    json_each(column, json_get(list->body, "columns"))
        assert_false(slice_is(column->text, "grade"));
}

static void test_model__a_view_and_a_report_are_told_anew(void **state)
{
    struct place *p = *state;
    place_sales(p, "views/lead.json",
                "[{\"list\":\"lead\",\"to\":{\"sort\":\"-score\",\"label\":\"@ours\"}},"
                "{\"report\":\"leads_by_month\",\"to\":{\"label\":\"@months\"}},"
                "{\"report\":\"leads_by_moon\",\"to\":{\"label\":\"@moons\"}}]");
    const struct model_view *list = model_view(p->model, "lead", "list", "default");
    assert_string_equal(json_cstr(list->body, "sort", ""), "-score");
    assert_string_equal(json_cstr(list->body, "label", ""), "@acme.sales:ours");
    const struct model_view *report = model_view(p->model, "lead", "report", "leads_by_month");
    assert_string_equal(json_cstr(report->body, "label", ""), "@acme.sales:months");
    assert_non_null(json_get(report->body, "query"));
    assert_non_null(strstr(p->model->warnings->text, "leads_by_moon"));
    place_bundle(p, "acme.sales", "views/lead.json", "{\"list\":\"lead\",\"to\":{\"kind\":\"x\"}}");
    place_enable(p, "acme.sales"); /* moves the model's number */
    place_model(p);
    assert_non_null(strstr(place_broken(p, "acme.sales"), "cannot be changed"));
}

static void test_model__a_dictionary_takes_more_values(void **state)
{
    struct place *p = *state;
    place_sales(
        p, "dictionaries/industry.json",
        "{\"extend\":\"industry\",\"values\":[\"shops\",{\"value\":\"it\",\"label\":\"@it\"}]}");
    const struct model_dictionary *industry = map_get(&p->model->dictionaries, SLICE("industry"));
    const struct field_option *last = &industry->options[industry->options_count - 1];
    assert_string_equal(last->value, "shops");
    assert_string_equal(last->label, "@acme.sales:industry.shops");
    int said = 0;
    for (int i = 0; i < industry->options_count; i++)
        said += strcmp(industry->options[i].label, "@acme.sales:it") == 0;
    assert_int_equal(said, 1);
    assert_int_equal(place_field(p, "account", "industry")->options_count, industry->options_count);
}

static void test_model__an_unknown_dictionary_is_not_extended(void **state)
{
    struct place *p = *state;
    place_sales(p, "dictionaries/none.json", "{\"extend\":\"none\",\"values\":[\"a\"]}");
    assert_non_null(strstr(place_broken(p, "acme.sales"), "no dictionary \"none\""));
}

static void test_model__a_tenant_entity_has_its_prefix(void **state)
{
    struct place *p = *state;
    place_sales(p, "entities/shop.json",
                "{\"name\":\"shop\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\"}]}");
    assert_non_null(strstr(place_broken(p, "acme.sales"), "\"x_shop\""));
}

static void grant(struct place *p, const char *grants)
{
    place_sales(p, "entities/lead.json",
                "{\"extend\":\"lead\",\"fields\":[{\"no\":1,\"name\":\"x_a\",\"type\":\"text\"}]}");
    place_bundle(p, "acme.sales", "roles/sales.json",
                 arena_printf(p->arena, "{\"name\":\"sales\",\"grants\":{\"lead\":%s}}", grants));
    place_enable(p, "acme.sales");
    place_model(p);
}

static void test_model__a_role_is_told_of_own_fields(void **state)
{
    struct place *p = *state;
    grant(p, "{\"fields\":{\"x_a\":\"read\"}}");
    const struct role_grant *lead = role_grant_of(model_role(p->tenant, "sales"), "lead");
    assert_int_equal(role_field_access(lead, "x_a"), ROLE_READ_ONLY);
    assert_non_null(lead->rules[ROLE_READ]);
    grant(p, "{\"fields\":{\"company\":\"write\"}}");
    assert_non_null(strstr(place_broken(p, "acme.sales"), "not yours to grant"));
    grant(p, "{\"read\":\"all\"}");
    assert_non_null(strstr(place_broken(p, "acme.sales"), "grants \"lead\" to this role already"));
}

static void test_model__a_role_is_told_of_own_operations(void **state)
{
    struct place *p = *state;
    place_sales(p, "views/grade.json",
                "[{\"kind\":\"action\",\"entity\":\"lead\",\"name\":\"x_grade\",\"label\":\"l\"}]");
    grant(p, "{\"fields\":{\"x_a\":\"read\"},\"actions\":[\"x_grade\",\"x_lua\"]}");
    const struct role_grant *lead = role_grant_of(model_role(p->tenant, "sales"), "lead");
    const struct json *last = NULL;
    json_each(name, lead->actions) last = name;
    assert_true(lead->actions->count > 2); /* those of the product are kept */
    assert_true(slice_is(last->text, "acme.sales:x_lua"));
    assert_true(
        slice_is(json_at(lead->actions, lead->actions->count - 2)->text, "acme.sales:x_grade"));
    static const char *const refused[] = {"[\"merge\"]", "[\"leads:x\"]", "true"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        grant(p, arena_printf(p->arena, "{\"actions\":%s}", refused[i]));
        const char *why = place_broken(p, "acme.sales");
        assert_true(strstr(why, "not yours to grant") || strstr(why, "name the operations") ||
                    strstr(why, "does not match") || strstr(why, "actions"));
    }
}

/* What the own plugin has granted is said anew where another one is active, member by member. */
static void test_model__a_grant_follows_another_plugin(void **state)
{
    struct place *p = *state;
    place_sales(
        p, "entities/shop.json",
        "{\"name\":\"x_shop\",\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\"}]}");
    place_bundle(p, "acme.sales", "roles/sales.json",
                 "[{\"name\":\"sales\",\"grants\":{\"x_shop\":{\"read\":\"own\",\"create\":true}}},"
                 "{\"name\":\"sales\",\"if_plugin\":\"leads\",\"grants\":{\"x_shop\":{"
                 "\"read\":\"all\",\"actions\":[\"pick\"]}}},"
                 "{\"name\":\"sales\",\"if_plugin\":\"nothing\",\"grants\":{\"x_shop\":{"
                 "\"create\":false}}}]");
    place_enable(p, "acme.sales");
    place_model(p);
    const struct role_grant *shop = role_grant_of(model_role(p->tenant, "sales"), "x_shop");
    assert_non_null(shop);
    assert_int_equal(shop->rules[ROLE_READ]->type, JSON_STRING);
    assert_true(slice_is(shop->rules[ROLE_READ]->text, "all"));
    assert_non_null(shop->rules[ROLE_CREATE]);
    assert_non_null(shop->actions);
}

static void test_model__a_plan_changes_nothing(void **state)
{
    struct place *p = *state;
    struct model *plan = NULL;
    const char *why = NULL;
    const struct model_change change = {"acme.sales", "1.0.0", true};
    place_bundle(p, "acme.sales", "plugin.json",
                 "{\"id\":\"acme.sales\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"t\"}");
    place_bundle(
        p, "acme.sales", "entities/lead.json",
        "{\"extend\":\"lead\",\"fields\":[{\"no\":1,\"name\":\"x_a\",\"type\":\"text\"}]}");
    place_ready(p, "people", "leads", NULL);
    struct store_header before = p->tenant->header;
    assert_int_equal(model_plan(p->tenant, p->home, false, &change, 1, &plan, &why), ERR_OK);
    const struct field *made_up = entity_field(model_entity(plan, SLICE("lead")), SLICE("x_a"));
    assert_non_null(made_up);
    assert_true(made_up->n > 0 && made_up->slot >= SLOT_FIELDS);
    model_free(plan);
    assert_int_equal(tenant_refresh(p->tenant), ERR_OK);
    assert_int_equal(p->tenant->header.model_version, before.model_version);
    assert_int_equal(p->tenant->header.schema_hash, before.schema_hash);
    assert_null(entity_field(place_entity(p, "lead"), SLICE("x_a")));
    assert_int_equal(model_plan(p->tenant, p->home, true, &change, 1, &plan, &why), ERR_OK);
    model_free(plan);
    assert_int_equal(tenant_refresh(p->tenant), ERR_OK);
    assert_int_equal(p->tenant->header.model_version, before.model_version);
    assert_true(p->tenant->header.schema_hash != before.schema_hash);
}

static void test_model__a_view_names_known_fields(void **state)
{
    struct place *p = *state;
    place_sales(
        p, "views/lead.json",
        "{\"kind\":\"list\",\"entity\":\"lead\",\"name\":\"short\",\"columns\":[\"compny\"]}");
    assert_non_null(strstr(place_broken(p, "acme.sales"), "did you mean \"company\"?"));
}

static bool is_dashboard_of(struct place *p, int widgets)
{
    struct buf view = BUF_INIT;
    buf_put_str(&view, "{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":[");
    for (int i = 0; i < widgets; i++)
        buf_printf(&view, "%s{\"id\":\"w%d\",\"kind\":\"kpi\",\"entity\":\"lead\"}", i ? "," : "",
                   i);
    buf_put_str(&view, "]}");
    place_sales(p, "views/lead.json", buf_cstr(&view));
    buf_release(&view);
    return model_view(p->model, NULL, "dashboard", "x") != NULL;
}

static void test_model__a_dashboard_has_so_many_widgets(void **state)
{
    struct place *p = *state;
    assert_true(is_dashboard_of(p, DASHBOARD_WIDGETS_MAX));
    assert_false(is_dashboard_of(p, DASHBOARD_WIDGETS_MAX + 1));
    const char *why = place_broken(p, "acme.sales");
    assert_non_null(strstr(why, "views/lead.json"));
    assert_non_null(strstr(why, "at most 40 widgets"));
}

static void test_model__the_menu_is_one(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model_view *menu = model_view(p->model, NULL, "menu", "main");
    const struct json *items = json_get(menu->body, "items");
    assert_true(items->count >= 3);
    assert_string_equal(json_cstr(json_at(items, 0), "id", ""), "home");
    json_each(item, items)
        assert_non_null(json_get(item, "entity") ? json_get(item, "label") : item);
}

static void test_model__roles_join_their_grants(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct role *sales = model_role(p->tenant, "sales");
    assert_non_null(sales);
    assert_string_equal(sales->label, "@people:role.sales");
    assert_non_null(role_grant_of(sales, "account"));
    assert_non_null(role_grant_of(sales, "lead"));
    assert_non_null(model_role(p->tenant, "admin"));
    assert_null(model_role(p->tenant, "nobody"));
}

/* --- texts --- */

static void test_model__texts_fall_back(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", NULL);
    const struct model *m = p->model;
    assert_string_equal(model_text(m, p->arena, LANG_EN, "people", "@account", NULL), "Account");
    assert_string_equal(model_text(m, p->arena, LANG_ZH, "core", "@people:account", NULL), "客户");
    assert_string_equal(model_text(m, p->arena, LANG_EN, "people", "@nothing", NULL), "nothing");
    assert_string_equal(model_text(m, p->arena, LANG_EN, "people", "plain", NULL), "plain");
    assert_string_equal(model_text(m, p->arena, LANG_EN, "core", "@too_long", "{\"max\":20}"),
                        "At most 20 characters.");
}

static void test_model__complaints_become_sentences(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", NULL);
    (void)err_field(&p->ctx.err, "name", "too_long", "{\"max\":9}");
    (void)err_field(&p->ctx.err, "phone", "@bad_phone", NULL);
    model_err_texts(&p->ctx);
    assert_string_equal(p->ctx.err.first->message, "最多 9 个字符。");
    assert_string_equal(p->ctx.err.last->code, "bad_phone");
    assert_string_equal(p->ctx.err.last->message, "电话号码不正确。");
}

/* --- dictionaries --- */

static void test_model__own_rows_replace_a_preset(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", NULL);
    const struct field *industry = place_field(p, "account", "industry");
    assert_true(industry->options_count > 10);
    struct store *store = p->tenant->store;
    const struct store_set sets[] = {
        {"dict", value_text(SLICE("industry")), false},
        {"value", value_text(SLICE("tea")), false},
        {"label", value_text(SLICE("{\"zh-CN\":\"茶\",\"en\":\"Tea\"}")), false},
        {"active", value_int(0), false},
    };
    assert_int_equal(store_begin(store, true), ERR_OK);
    assert_int_equal(store_insert(store, "dictionary", sets, 4, NULL), ERR_OK);
    assert_int_equal(store_header_bump(store, true, false), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    assert_int_equal(tenant_refresh(p->tenant), ERR_OK);
    place_model(p);
    industry = place_field(p, "account", "industry");
    assert_int_equal(industry->options_count, 1);
    assert_string_equal(industry->options[0].value, "tea");
    assert_false(industry->options[0].is_active);
    assert_string_equal(json_cstr(industry->options[0].labels, "en", ""), "Tea");
}

static void test_model__configs_have_their_defaults(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct json *config = map_get(&p->model->configs, SLICE("leads"));
    assert_int_equal(json_int(config, "max_open", 0), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_model__##name, setup, teardown)
        T(product_plugins_fit),
        T(is_kept_until_the_store_moves),
        T(a_reader_waits_for_the_tables),
        T(a_record_can_be_stored_and_read),
        T(numbers_are_never_given_twice),
        T(slots_follow_the_columns),
        T(derived_types_take_their_result),
        T(a_broken_plugin_is_left_out),
        T(a_missing_entity_is_suggested),
        T(a_number_is_used_once),
        T(encrypted_fields_are_not_searched),
        T(timelines_go_by_a_time),
        T(parents_stand_so_high_and_no_higher),
        T(only_a_child_has_rights_of_its_parent),
        T(views_may_ask_for_a_plugin),
        T(a_slip_in_a_report_is_told),
        T(conditions_name_known_fields),
        T(malformed_json_names_the_line),
        T(those_that_need_a_broken_one_go_too),
        T(a_missing_folder_is_named),
        T(a_tenant_adds_and_tightens),
        T(a_tenant_field_has_its_prefix),
        T(an_extension_cannot_loosen),
        T(an_extension_cannot_retype),
        T(a_slip_in_an_anchor_is_told),
        T(views_are_patched_by_id),
        T(a_view_and_a_report_are_told_anew),
        T(a_dictionary_takes_more_values),
        T(an_unknown_dictionary_is_not_extended),
        T(a_tenant_entity_has_its_prefix),
        T(a_role_is_told_of_own_fields),
        T(a_role_is_told_of_own_operations),
        T(a_plan_changes_nothing),
        T(a_view_names_known_fields),
        T(a_dashboard_has_so_many_widgets),
        T(the_menu_is_one),
        T(roles_join_their_grants),
        T(a_grant_follows_another_plugin),
        T(texts_fall_back),
        T(complaints_become_sentences),
        T(own_rows_replace_a_preset),
        T(configs_have_their_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
