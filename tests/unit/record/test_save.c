/* test_save - the phases of a save: rights, handlers, checks, versions, what is written besides.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/id.h"
#include "record/list.h"

/* --- the plain way --- */

static void test_save__fills_what_the_core_keeps(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"张小伟\",\"phone\":\"13800001234\"}");
    assert_string_equal(shop_get(shop, shop->customer, id, "number"), "C-001");
    assert_string_equal(shop_get(shop, shop->customer, id, "level"), "b");
    assert_string_equal(shop_get(shop, shop->customer, id, "status"), "new");
    assert_int_equal(shop_int(shop, shop->customer, id, "version"), 1);
    assert_int_equal(shop_int(shop, shop->customer, id, "created_at"), shop->ctx->now_ms);
    assert_int_equal(shop_int(shop, shop->customer, id, "orders"), 0);
    assert_string_equal(shop_get(shop, shop->customer, id, "origin"), "api");
    assert_int_equal(shop_count(shop, "change", shop_eq(shop, "record", id)), 1);
    assert_int_equal(shop_count(shop, "visit", shop_eq(shop, "record", id)), 1);
}

static void test_save__a_save_that_changes_nothing_writes_nothing(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\",\"code\":\"x\"}");
    shop_on(shop, "customer", HOOK_BEFORE_UPDATE, "b", 0, shop_log, "before");
    shop_seal(shop);
    OK(shop_update(shop, shop->customer, id, "{\"name\":\"A\"}", 0));
    assert_int_equal(shop_int(shop, shop->customer, id, "version"), 1);
    assert_int_equal(shop->log.len, 0);
    assert_int_equal(shop_count(shop, "change", NULL), 1);
}

static void test_save__is_found_by_its_name_afterwards(void **state)
{
    struct shop *shop = *state;
    struct list_query query = {.entity = shop->customer, .q = SLICE("zxw")};
    struct buf out = BUF_INIT;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"张小伟\"}");
    OK(list_run(shop->ctx, &query, &out));
    assert_non_null(strstr(buf_cstr(&out), shop_id(shop, id)));
    OK(shop_update(shop, shop->customer, id, "{\"name\":\"Bob\"}", 0));
    buf_clear(&out);
    OK(list_run(shop->ctx, &query, &out));
    assert_null(strstr(buf_cstr(&out), shop_id(shop, id)));
    buf_release(&out);
}

/* --- complaints --- */

static void test_save__all_that_is_wrong_is_told_at_once(void **state)
{
    struct shop *shop = *state;
    int64_t id;
    assert_int_equal(shop_create(shop, shop->customer,
                                 "{\"level\":\"a\",\"status\":\"closed\","
                                 "\"parent\":\"0000000000001\"}",
                                 &id),
                     ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop),
                        "name:required vip_note:required status:bad_transition parent:bad_ref");
    assert_int_equal(shop_count(shop, "change", NULL), 0);
}

static void test_save__unknown_and_derived_fields_are_refused(void **state)
{
    struct shop *shop = *state;
    int64_t id;
    assert_int_equal(shop_create(shop, shop->customer,
                                 "{\"name\":\"A\",\"nmae\":1,\"number\":\"C-9\",\"orders\":3,"
                                 "\"score\":1,\"created_at\":\"2020-01-01\"}",
                                 &id),
                     ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop),
                        "nmae:unknown_field number:read_only orders:read_only score:read_only "
                        "created_at:read_only");
}

static void test_save__what_was_shown_may_be_sent_back(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    const char *back = arena_printf(shop->place.arena,
                                    "{\"id\":%s,\"version\":1,\"number\":\"C-001\",\"name\":\"B\"}",
                                    shop_id(shop, id));
    OK(shop_update(shop, shop->customer, id, back, 1));
    assert_string_equal(shop_get(shop, shop->customer, id, "name"), "B");
}

static void test_save__a_state_follows_its_flow(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"status\":\"closed\"}", 0),
                     ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "status:bad_transition");
    OK(shop_update(shop, shop->customer, id, "{\"status\":\"active\"}", 0));
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"status\":\"closed\"}", 0),
                     ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "reason:required_for_state");
    OK(shop_update(shop, shop->customer, id, "{\"status\":\"closed\",\"reason\":\"gone\"}", 0));
}

static void test_save__a_rule_does_not_reach_back(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\",\"level\":\"b\"}");
    struct store_set bare[] = {{"version", value_int(2), false}};
    shop_begin(shop); /* as left behind by an older declaration */
    bare[0] = (struct store_set){place_field(&shop->place, "customer", "name")->column,
                                 value_null(), false};
    OK(store_update(shop->place.tenant->store, shop->customer->table, shop_eq(shop, "id", id), bare,
                    1, NULL, NULL));
    shop_commit(shop);
    OK(shop_update(shop, shop->customer, id, "{\"cost\":4}", 0));
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"level\":\"a\"}", 0), ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "vip_note:required");
}

static void test_save__a_unique_value_names_who_has_it(void **state)
{
    struct shop *shop = *state;
    int64_t id, first = shop_make(shop, shop->customer, "{\"name\":\"A\",\"code\":\"x\"}");
    assert_int_equal(shop_create(shop, shop->customer, "{\"name\":\"B\",\"code\":\"x\"}", &id),
                     ERR_CONFLICT);
    assert_string_equal(shop_complaints(shop), "code:not_unique");
    assert_non_null(strstr(shop->ctx->err.extra, shop_id(shop, first)));
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 1);
}

/* --- versions --- */

static void test_save__an_old_version_is_told_the_current_record(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    OK(shop_update(shop, shop->customer, id, "{\"name\":\"B\"}", 1));
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"name\":\"C\"}", 1), ERR_VERSION);
    assert_non_null(strstr(shop->ctx->err.extra, "\"version\":2"));
    assert_non_null(strstr(shop->ctx->err.extra, "\"name\":\"B\""));
    assert_string_equal(shop_get(shop, shop->customer, id, "name"), "B");
}

static void test_save__a_record_loaded_before_another_save_is_refused(void **state)
{
    struct shop *shop = *state;
    struct record *one, *two;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    const struct field *name = place_field(&shop->place, "customer", "name");
    shop_begin(shop);
    OK(record_load(shop->ctx, shop->customer, id, ROLE_UPDATE, &one));
    OK(record_load(shop->ctx, shop->customer, id, ROLE_UPDATE, &two));
    OK(record_set(shop->ctx, one, name, place_json(&shop->place, "\"one\"")));
    OK(record_set(shop->ctx, two, name, place_json(&shop->place, "\"two\"")));
    OK(record_save(shop->ctx, one, 0));
    assert_int_equal(record_save(shop->ctx, two, 0), ERR_VERSION);
    shop_rollback(shop);
}

/* --- rights --- */

#define SALES                                                                                      \
    "{\"name\":\"sales\",\"grants\":{\"customer\":{\"read\":\"all\",\"create\":true,"              \
    "\"update\":\"own\",\"fields\":{\"cost\":\"none\",\"amount\":\"read\",\"*\":\"write\"}},"      \
    "\"order\":{\"read\":\"own\",\"create\":true}}}"

static int64_t make_user(struct shop *shop, const char *name)
{
    int64_t id = 0;
    shop_begin(shop);
    shop->ctx->source = CTX_IMPORT;
    OK(record_create_json(
        shop->ctx, shop->user,
        place_json(&shop->place, arena_printf(shop->place.arena, "{\"name\":\"%s\"}", name)), &id,
        NULL));
    shop->ctx->source = CTX_API;
    shop_commit(shop);
    return id;
}

static void test_save__only_the_owner_may_update(void **state)
{
    struct shop *shop = *state;
    int64_t ann = make_user(shop, "Ann"), bob = make_user(shop, "Bob");
    shop_as(shop, ann, SALES);
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    assert_int_equal(shop_int(shop, shop->customer, id, "owner"), ann);
    shop_as(shop, bob, SALES);
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"name\":\"B\"}", 0), ERR_FORBIDDEN);
    assert_int_equal(shop_update(shop, shop->customer, 12345, "{\"name\":\"B\"}", 0),
                     ERR_NOT_FOUND);
    shop_as(shop, ann, SALES);
    const char *give = arena_printf(shop->place.arena, "{\"owner\":%s}", shop_id(shop, bob));
    OK(shop_update(shop, shop->customer, id, give, 0)); /* giving it away is an update like any */
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"name\":\"B\"}", 0), ERR_FORBIDDEN);
}

static void test_save__hidden_fields_do_not_exist_and_readable_ones_stay(void **state)
{
    struct shop *shop = *state;
    int64_t id, ann = make_user(shop, "Ann");
    shop_as(shop, ann, SALES);
    assert_int_equal(
        shop_create(shop, shop->customer, "{\"name\":\"A\",\"cost\":1,\"amount\":\"3.00\"}", &id),
        ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "cost:unknown_field amount:forbidden");
}

static void test_save__a_reference_must_be_visible(void **state)
{
    struct shop *shop = *state;
    int64_t id, ann = make_user(shop, "Ann"), bob = make_user(shop, "Bob");
    static const char role[] =
        "{\"name\":\"own\",\"grants\":{\"customer\":{\"read\":\"own\",\"create\":true},"
        "\"order\":{\"create\":true}}}";
    shop_as(shop, bob, role);
    int64_t his = shop_make(shop, shop->customer, "{\"name\":\"B\"}");
    shop_as(shop, ann, role);
    assert_int_equal(
        shop_create(shop, shop->order,
                    arena_printf(shop->place.arena, "{\"subject\":\"o\",\"customer\":%s}",
                                 shop_id(shop, his)),
                    &id),
        ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "customer:bad_ref");
}

static void test_save__team_and_department_follow_the_owner(void **state)
{
    struct shop *shop = *state;
    int64_t bob = make_user(shop, "Bob");
    int64_t sales = shop_make(shop, shop->department, "{\"name\":\"Sales\"}");
    OK(shop_update(shop, shop->user, bob,
                   arena_printf(shop->place.arena, "{\"department\":%s}", shop_id(shop, sales)),
                   0));
    int64_t id = shop_make(
        shop, shop->customer,
        arena_printf(shop->place.arena, "{\"name\":\"A\",\"owner\":%s}", shop_id(shop, bob)));
    assert_int_equal(shop_int(shop, shop->customer, id, "department"), sales);
    OK(shop_update(shop, shop->customer, id, "{\"owner\":null}", 0));
    assert_string_equal(shop_get(shop, shop->customer, id, "department"), "null");
}

static void test_save__staff_moves_the_rights_of_everybody(void **state)
{
    struct shop *shop = *state;
    OK(tenant_refresh(shop->place.tenant));
    int64_t before = shop->place.tenant->header.auth_version;
    int64_t top = shop_make(shop, shop->department, "{\"name\":\"Top\"}");
    OK(tenant_refresh(shop->place.tenant));
    assert_true(shop->place.tenant->header.auth_version > before);
    assert_string_equal(shop_get(shop, shop->department, top, "path"),
                        arena_printf(shop->place.arena, "/%lld/", (long long)top));
}

/* --- handlers --- */

static enum err shout(struct ctx *ctx, const struct field *field, struct record *record, void *arg)
{
    struct value name = record->now[entity_field(record->entity, SLICE("name"))->slot];
    (void)arg;
    name.bytes = slice_str(arena_printf(ctx->arena, SLICE_FMT "!", SLICE_ARG(name.bytes)));
    return record_set_values(ctx, record, field, &name);
}

static void test_save__computed_fields_follow_what_they_depend_on(void **state)
{
    struct shop *shop = *state;
    struct record_computed computed = {shout, NULL};
    int64_t id;
    shop_begin(shop);
    shop->unit.computed = &computed;
    OK(record_create_json(shop->ctx, shop->customer, place_json(&shop->place, "{\"name\":\"A\"}"),
                          &id, NULL));
    shop_commit(shop);
    assert_string_equal(shop_get(shop, shop->customer, id, "shout"), "A!");
}

static void test_save__handlers_run_in_the_order_of_the_phases(void **state)
{
    struct shop *shop = *state;
    shop_on(shop, "customer", HOOK_AFTER_CREATE, "a", 500, shop_log, "after");
    shop_on(shop, "customer", HOOK_VALIDATE, "v2", 600, shop_log, "validate2");
    shop_on(shop, "customer", HOOK_VALIDATE, "v1", 400, shop_log, "validate1");
    shop_on(shop, "customer", HOOK_BEFORE_CREATE, "b", 500, shop_log, "before");
    shop_on(shop, "customer", HOOK_TRANSITION, "t", 500, shop_log, "transition");
    shop_on(shop, "customer", HOOK_AFTER_UPDATE, "u", 500, shop_log, "updated");
    shop_seal(shop);
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    assert_string_equal(buf_cstr(&shop->log), "before validate1 validate2 after");
    buf_clear(&shop->log);
    OK(shop_update(shop, shop->customer, id, "{\"status\":\"active\"}", 0));
    assert_string_equal(buf_cstr(&shop->log), "validate1 validate2 updated transition");
}

static enum err set_score(struct ctx *ctx, struct event *event, void *arg)
{
    struct value seven = value_int(7);
    (void)arg;
    return record_set_values(ctx, event->record,
                             entity_field(event->record->entity, SLICE("score")), &seven);
}

static enum err complain(struct ctx *ctx, struct event *event, void *arg)
{
    (void)event;
    return err_field(&ctx->err, arg, "bad", NULL);
}

static enum err veto(struct ctx *ctx, struct event *event, void *arg)
{
    (void)event;
    return err_say(&ctx->err, ERR_VALIDATION, arg, NULL);
}

static void test_save__a_before_handler_may_change_the_record(void **state)
{
    struct shop *shop = *state;
    shop_on(shop, "customer", HOOK_BEFORE_CREATE, "b", 500, set_score, NULL);
    shop_seal(shop);
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    assert_int_equal(shop_int(shop, shop->customer, id, "score"), 7);
}

static void test_save__a_validator_may_not_change_the_record(void **state)
{
    struct shop *shop = *state;
    int64_t id;
    shop_on(shop, "customer", HOOK_VALIDATE, "v", 500, set_score, NULL);
    shop_seal(shop);
    assert_int_equal(shop_create(shop, shop->customer, "{\"name\":\"A\"}", &id), ERR_PLUGIN);
    assert_non_null(strstr(shop->ctx->err.detail, "\"score\" of customer"));
}

static void test_save__validators_and_the_core_complain_together(void **state)
{
    struct shop *shop = *state;
    int64_t id;
    shop_on(shop, "customer", HOOK_VALIDATE, "v1", 500, complain, "phone");
    shop_on(shop, "customer", HOOK_VALIDATE, "v2", 501, complain, "code");
    shop_seal(shop);
    assert_int_equal(shop_create(shop, shop->customer, "{\"level\":\"b\"}", &id), ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "name:required phone:bad code:bad");
}

static void test_save__a_veto_leaves_nothing_behind(void **state)
{
    struct shop *shop = *state;
    int64_t id;
    shop_on(shop, "customer", HOOK_AFTER_CREATE, "a", 500, veto, "no_thanks");
    shop_seal(shop);
    assert_int_equal(shop_create(shop, shop->customer, "{\"name\":\"A\"}", &id), ERR_VALIDATION);
    assert_string_equal(shop->ctx->err.code, "no_thanks");
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 0);
    assert_int_equal(shop_count(shop, "change", NULL), 0);
}

/* --- nested writes --- */

static enum err make_order(struct ctx *ctx, struct event *event, void *arg)
{
    struct shop *shop = arg;
    const char *body = arena_printf(ctx->arena, "{\"subject\":\"first\",\"customer\":%s}",
                                    shop_id(shop, event->record->now[SLOT_ID].integer));
    return record_create_json(ctx, shop->order, place_json(&shop->place, body), NULL, NULL);
}

static void test_save__an_after_handler_may_write_other_records(void **state)
{
    struct shop *shop = *state;
    shop_on(shop, "customer", HOOK_AFTER_CREATE, "a", 500, make_order, shop);
    shop_on(shop, "order", HOOK_AFTER_CREATE, "o", 500, shop_log, "order");
    shop_seal(shop);
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    assert_string_equal(buf_cstr(&shop->log), "order");
    assert_int_equal(shop_int(shop, shop->customer, id, "orders"), 1);
}

static enum err save_again(struct ctx *ctx, struct event *event, void *arg)
{
    struct record *record;
    int64_t id = event->record->now[SLOT_ID].integer;
    struct value score = value_int(event->record->now[SLOT_VERSION].integer);
    enum err e = record_load(ctx, event->record->entity, id, ROLE_UPDATE, &record);
    (void)arg;
    if (!e)
        e = record_set_values(ctx, record, entity_field(record->entity, SLICE("cost")), &score);
    return e ? e : record_save(ctx, record, 0);
}

static void test_save__a_record_under_judgement_cannot_be_saved_again(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    shop_on(shop, "customer", HOOK_BEFORE_UPDATE, "b", 500, save_again, NULL);
    shop_seal(shop);
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"name\":\"B\"}", 0), ERR_PLUGIN);
    assert_string_equal(shop->ctx->err.code, "hook_cycle");
    const char *chain =
        arena_printf(shop->place.arena, "update customer %.13s < update customer %.13s",
                     shop_id(shop, id) + 1, shop_id(shop, id) + 1);
    assert_non_null(strstr(shop->ctx->err.detail, chain));
}

static void test_save__a_before_handler_may_not_write_others(void **state)
{
    struct shop *shop = *state;
    int64_t id;
    shop_on(shop, "customer", HOOK_BEFORE_CREATE, "b", 500, make_order, shop);
    shop_seal(shop);
    assert_int_equal(shop_create(shop, shop->customer, "{\"name\":\"A\"}", &id), ERR_PLUGIN);
    assert_string_equal(shop->ctx->err.code, "hook_write_early");
}

static void test_save__nesting_without_end_is_stopped(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    shop_on(shop, "customer", HOOK_AFTER_UPDATE, "a", 500, save_again, NULL);
    shop_seal(shop);
    assert_int_equal(shop_update(shop, shop->customer, id, "{\"name\":\"B\"}", 0), ERR_PLUGIN);
    assert_string_equal(shop->ctx->err.code, "hook_depth");
    assert_int_equal(shop_int(shop, shop->customer, id, "version"), 1);
}

/* A handler that carries on after it was stopped. */
static enum err write_many(struct ctx *ctx, struct event *event, void *arg)
{
    struct shop *shop = arg;
    (void)event;
    for (int i = 0; i < 600; i++)
        if (record_create_json(ctx, shop->note, place_json(&shop->place, "{\"name\":\"n\"}"), NULL,
                               NULL))
            return ERR_OK;
    return ERR_OK;
}

static void test_save__too_many_nested_writes_cannot_be_swallowed(void **state)
{
    struct shop *shop = *state;
    int64_t id;
    shop_on(shop, "customer", HOOK_AFTER_CREATE, "a", 500, write_many, shop);
    shop_seal(shop);
    assert_int_equal(shop_create(shop, shop->customer, "{\"name\":\"A\"}", &id), ERR_PLUGIN);
    assert_string_equal(shop->ctx->err.code, "hook_writes");
    assert_int_equal(shop_count(shop, shop->note->table, NULL), 0);
}

/* --- the log --- */

static bool keep_diff(void *arg, const struct store_row *row)
{
    buf_put_slice(arg, store_row_bytes(row, 0));
    buf_put_char(arg, ' ');
    return true;
}

static void test_save__the_log_holds_old_and_new_by_field_number(void **state)
{
    struct shop *shop = *state;
    struct buf diffs = BUF_INIT;
    struct query_column select = {.column = {0, "diff"}};
    int64_t id = shop_make(shop, shop->note, "{\"name\":\"A\"}");
    OK(shop_update(shop, shop->note, id, "{\"name\":\"B\"}", 0));
    struct query query = {.table = "change",
                          .select = &select,
                          .select_count = 1,
                          .where = shop_eq(shop, "record", id)};
    OK(store_read(shop->place.tenant->store, &query, keep_diff, &diffs));
    int n = place_field(&shop->place, "note", "name")->n;
    assert_string_equal(
        buf_cstr(&diffs),
        arena_printf(shop->place.arena, "{\"%d\":[null,\"A\"]} {\"%d\":[\"A\",\"B\"]} ", n, n));
    buf_release(&diffs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_save__fills_what_the_core_keeps),
        TEST(test_save__a_save_that_changes_nothing_writes_nothing),
        TEST(test_save__is_found_by_its_name_afterwards),
        TEST(test_save__all_that_is_wrong_is_told_at_once),
        TEST(test_save__unknown_and_derived_fields_are_refused),
        TEST(test_save__what_was_shown_may_be_sent_back),
        TEST(test_save__a_state_follows_its_flow),
        TEST(test_save__a_rule_does_not_reach_back),
        TEST(test_save__a_unique_value_names_who_has_it),
        TEST(test_save__an_old_version_is_told_the_current_record),
        TEST(test_save__a_record_loaded_before_another_save_is_refused),
        TEST(test_save__only_the_owner_may_update),
        TEST(test_save__hidden_fields_do_not_exist_and_readable_ones_stay),
        TEST(test_save__a_reference_must_be_visible),
        TEST(test_save__team_and_department_follow_the_owner),
        TEST(test_save__staff_moves_the_rights_of_everybody),
        TEST(test_save__computed_fields_follow_what_they_depend_on),
        TEST(test_save__handlers_run_in_the_order_of_the_phases),
        TEST(test_save__a_before_handler_may_change_the_record),
        TEST(test_save__a_validator_may_not_change_the_record),
        TEST(test_save__validators_and_the_core_complain_together),
        TEST(test_save__a_veto_leaves_nothing_behind),
        TEST(test_save__an_after_handler_may_write_other_records),
        TEST(test_save__a_record_under_judgement_cannot_be_saved_again),
        TEST(test_save__a_before_handler_may_not_write_others),
        TEST(test_save__nesting_without_end_is_stopped),
        TEST(test_save__too_many_nested_writes_cannot_be_swallowed),
        TEST(test_save__the_log_holds_old_and_new_by_field_number),
    };
    return cmocka_run_group_tests_name("record/save", tests, NULL, NULL);
}
