/* test_sealed - encrypted fields: check digits, masks, sealing, equal values, unmasking.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include <string.h>

#include "auth/vault.h"
#include "base/limits.h"
#include "place.h"
#include "record/erase.h"
#include "record/field_sealed.h"
#include "record/filter.h"
#include "record/list.h"
#include "record/unmask.h"

#define OK(e) assert_int_equal((e), ERR_OK)

#define CARD    "11010519491231002X" /* the example of GB 11643 */
#define CARD2   "440524188001010014"
#define ACCOUNT "6222020200112230306"

static struct place p;
static struct unit unit;

static const char person[] = "{\"name\":\"person\",\"title\":\"name\",\"audit\":true,\"fields\":["
                             "{\"no\":1,\"name\":\"name\",\"type\":\"text\"},"
                             "{\"no\":2,\"name\":\"card\",\"type\":\"id_card\",\"unique\":true},"
                             "{\"no\":3,\"name\":\"account\",\"type\":\"bank_card\"},"
                             "{\"no\":4,\"name\":\"note\",\"type\":\"secret\",\"length\":20}]}";

static int setup(void **state)
{
    (void)state;
    place_open(&p);
    place_plugin(&p, "shop", NULL);
    place_write(&p, "shop/entities/person.json", person);
    place_ready(&p, "shop", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    place_close(&p);
    return 0;
}

static void begin(void)
{
    err_info_clear(&p.ctx.err);
    OK(store_begin(p.tenant->store, true));
    OK(tenant_refresh(p.tenant));
    unit_begin(&p.ctx, &unit, NULL);
}

static enum err end(enum err e)
{
    unit_end(&p.ctx);
    if (e)
        store_rollback(p.tenant->store);
    else
        OK(store_commit(p.tenant->store));
    return e;
}

static int64_t create(const char *body)
{
    int64_t id = 0;
    begin();
    OK(end(
        record_create_json(&p.ctx, place_entity(&p, "person"), place_json(&p, body), &id, NULL)));
    return id;
}

static enum err update(int64_t id, const char *body)
{
    begin();
    return end(
        record_update_json(&p.ctx, place_entity(&p, "person"), id, place_json(&p, body), 0, NULL));
}

static const char *shown(int64_t id)
{
    struct buf out = BUF_INIT;
    int64_t version;
    OK(list_get(&p.ctx, place_entity(&p, "person"), id, SLICE(""), SLICE(""), &out, &version));
    const char *text = arena_str(p.arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static const char *plain(int64_t id, const char *field)
{
    struct buf out = BUF_INIT;
    bool empty = false;
    begin();
    OK(end(unmask_field(&p.ctx, place_entity(&p, "person"), id, slice_str(field),
                        SLICE("for a test"), &out, &empty)));
    const char *text = empty ? NULL : arena_str(p.arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static const char *complaint(const char *field, const char *value)
{
    const char *body = arena_printf(p.arena, "{\"name\":\"x\",\"%s\":\"%s\"}", field, value);
    int64_t id;
    begin();
    enum err e = end(
        record_create_json(&p.ctx, place_entity(&p, "person"), place_json(&p, body), &id, NULL));
    return e ? p.ctx.err.first->code : "fine";
}

static void test_sealed__check_digits_are_checked(void **state)
{
    static const char *const rows[][3] = {
        {"card", "11010519491231002x", "fine"},
        {"card", "1101 0519 4912 31002X", "not_unique"},
        {"card", "110105194912310021", "bad_id_card"},
        {"card", "11010519491331002X", "bad_id_card"},
        {"card", "1101051949123100", "bad_id_card"},
        {"card", "01010519491231002X", "bad_id_card"},
        {"card", "110***********002X", "bad_id_card"},
        {"card", CARD2, "fine"},
        {"account", ACCOUNT, "bad_bank_card"},
        {"account", "4111 1111 1111 1111", "fine"},
        {"account", "4111-1111-1111-1112", "bad_bank_card"},
        {"account", "000000000000", "bad_bank_card"},
        {"account", "42424242424", "bad_bank_card"},
        {"note", "********", "masked_value"},
        {"note", "01234567890123456789", "fine"},
        {"note", "012345678901234567890", "too_long"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(complaint(rows[i][0], rows[i][1]), rows[i][2]);
}

static void test_sealed__everybody_sees_masks_and_the_right_sees_the_value(void **state)
{
    (void)state;
    int64_t id = create("{\"name\":\"Ann\",\"card\":\"" CARD
                        "\",\"account\":\"4111111111111111\",\"note\":\"the garage code\"}");
    const char *text = shown(id);
    assert_non_null(strstr(text, "\"card\":\"110***********002X\""));
    assert_non_null(strstr(text, "\"account\":\"**** **** **** 1111\""));
    assert_non_null(strstr(text, "\"note\":\"********\""));
    assert_null(strstr(text, CARD));
    assert_string_equal(plain(id, "card"), CARD);
    assert_string_equal(plain(id, "account"), "4111111111111111");
    assert_string_equal(plain(id, "note"), "the garage code");
    int64_t bare = create("{\"name\":\"Bob\"}");
    assert_null(plain(bare, "card"));
}

static int64_t rows_of(const char *table)
{
    int64_t n = -1;
    OK(store_count(p.tenant->store, table, NULL, 100000, &n));
    return n;
}

static void test_sealed__a_mask_sent_back_changes_nothing(void **state)
{
    (void)state;
    int64_t id = create("{\"name\":\"Ann\",\"card\":\"" CARD "\",\"note\":\"old\"}");
    int64_t changes = rows_of("change");
    OK(update(id, "{\"card\":\"110***********002X\",\"note\":\"********\"}"));
    OK(update(id, "{\"card\":\"11010519491231002x\"}")); /* the value itself */
    assert_int_equal(rows_of("change"), changes);
    assert_string_equal(plain(id, "card"), CARD);
    OK(update(id, "{\"note\":\"new\"}"));
    assert_int_equal(rows_of("change"), changes + 1);
    assert_string_equal(plain(id, "note"), "new");
    OK(update(id, "{\"card\":null}"));
    assert_null(plain(id, "card"));
}

static int64_t found(const char *filter)
{
    struct list_query query = {0};
    struct buf out = BUF_INIT;
    const struct entity *entity = place_entity(&p, "person");
    const char *body =
        arena_printf(p.arena, "{\"filter\":%s,\"count\":true,\"fields\":[\"name\"]}", filter);
    OK(list_query_json(&p.ctx, entity, place_json(&p, body), &query));
    OK(list_run(&p.ctx, &query, &out));
    const struct json *answer = place_json(&p, arena_str(p.arena, buf_slice(&out)));
    buf_release(&out);
    return json_int(answer, "count", -1);
}

static void test_sealed__equal_values_are_found(void **state)
{
    (void)state;
    assert_int_equal(found("{\"card\":\"" CARD "\"}"), 0); /* no key has been made yet */
    (void)create("{\"name\":\"Ann\",\"card\":\"" CARD "\",\"note\":\"n\"}");
    (void)create("{\"name\":\"Bob\",\"card\":\"" CARD2 "\"}");
    (void)create("{\"name\":\"Cy\"}");
    assert_int_equal(found("{\"card\":\"" CARD "\"}"), 1);
    assert_int_equal(found("{\"card\":\"1101 0519 4912 31002x\"}"), 1);
    assert_int_equal(found("{\"card\":[\"" CARD "\",\"" CARD2 "\"]}"), 2);
    assert_int_equal(found("{\"card\":{\"ne\":\"" CARD "\"}}"), 2);
    assert_int_equal(found("{\"card\":null}"), 1);
    assert_int_equal(found("{\"note\":\"n\"}"), 1);
    assert_int_equal(found("{\"note\":\"m\"}"), 0);
}

static void test_sealed__sorting_and_grouping_by_them_is_refused(void **state)
{
    static const char *const bodies[] = {"{\"sort\":\"card\"}",
                                         "{\"filter\":{\"card\":{\"prefix\":\"110\"}}}",
                                         "{\"filter\":{\"card\":{\"gt\":\"" CARD "\"}}}"};
    (void)state;
    const struct entity *entity = place_entity(&p, "person");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct list_query query = {0};
        struct buf out = BUF_INIT;
        enum err e = list_query_json(&p.ctx, entity, place_json(&p, bodies[i]), &query);
        if (!e)
            e = list_run(&p.ctx, &query, &out);
        assert_int_equal(e, ERR_VALIDATION);
        buf_release(&out);
    }
}

static void test_sealed__without_the_master_key_a_search_asks_for_a_runner(void **state)
{
    (void)state;
    (void)create("{\"name\":\"Ann\",\"card\":\"" CARD "\"}");
    struct list_query query = {0};
    struct buf out = BUF_INIT;
    const struct entity *entity = place_entity(&p, "person");
    const struct json *body = place_json(&p, "{\"filter\":{\"card\":\"" CARD "\"}}");
    p.tenant->master = NULL;
    enum err e = list_query_json(&p.ctx, entity, body, &query);
    if (!e)
        e = list_run(&p.ctx, &query, &out);
    assert_int_equal(e, ERR_TIMEOUT);
    p.tenant->master = tenants_master(p.tenants);
    buf_release(&out);
}

static int64_t sealed_version(int64_t id)
{
    struct record *record;
    begin();
    OK(end(record_load(&p.ctx, place_entity(&p, "person"), id, ROLE_READ, &record)));
    const struct field *field = place_field(&p, "person", "card");
    return vault_version(record->now[field->slot + FIELD_SEALED].bytes);
}

static void test_sealed__rotation_seals_all_records_anew(void **state)
{
    (void)state;
    int64_t ids[5], last = 0, rounds = 0;
    for (int i = 0; i < 5; i++)
        ids[i] = create(i == 0   ? "{\"name\":\"a\",\"card\":\"" CARD "\"}"
                        : i == 1 ? "{\"name\":\"b\",\"card\":\"" CARD2 "\"}"
                                 : "{\"name\":\"c\"}");
    int64_t changes = rows_of("change");
    begin();
    OK(end(vault_rotate(&p.ctx)));
    assert_int_equal(sealed_version(ids[0]), 1);
    do {
        begin();
        OK(end(unmask_reseal(&p.ctx, place_entity(&p, "person"), last, 2, &last)));
        rounds++;
    } while (last);
    assert_int_equal(rounds, 3);
    assert_int_equal(sealed_version(ids[0]), 2);
    assert_string_equal(plain(ids[0], "card"), CARD);
    assert_string_equal(plain(ids[1], "card"), CARD2);
    assert_int_equal(found("{\"card\":\"" CARD "\"}"), 1);
    assert_int_equal(rows_of("change"), changes);
}

static void test_sealed__a_value_moves_to_another_record_by_unmask_copy_alone(void **state)
{
    (void)state;
    const struct entity *entity = place_entity(&p, "person");
    const struct field *note = place_field(&p, "person", "note");
    int64_t one = create("{\"name\":\"a\",\"note\":\"mine\"}"), two = create("{\"name\":\"b\"}");
    struct record *from, *to;
    begin();
    enum err e = record_load(&p.ctx, entity, one, ROLE_READ, &from);
    if (!e)
        e = record_load(&p.ctx, entity, two, ROLE_UPDATE, &to);
    if (!e)
        e = unmask_copy(&p.ctx, from, note, to, note);
    if (!e)
        e = record_save(&p.ctx, to, 0);
    OK(end(e));
    assert_string_equal(plain(two, "note"), "mine");
}

static void test_sealed__erasing_a_record_forgets_its_values(void **state)
{
    (void)state;
    int64_t id = create("{\"name\":\"Ann\",\"card\":\"" CARD "\"}");
    OK(update(id, "{\"name\":\"Anna\"}"));
    begin();
    OK(end(record_erase(&p.ctx, place_entity(&p, "person"), id, NULL)));
    begin();
    assert_int_equal(end(record_erase(&p.ctx, place_entity(&p, "person"), id, NULL)),
                     ERR_NOT_FOUND);
    const struct expr *told = expr_cmp(p.arena, EXPR_CONTAINS, "diff", value_text(SLICE("ann")));
    int64_t n = -1;
    OK(store_count(p.tenant->store, "change", told, 10, &n));
    assert_int_equal(n, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_sealed__check_digits_are_checked),
        T(test_sealed__everybody_sees_masks_and_the_right_sees_the_value),
        T(test_sealed__a_mask_sent_back_changes_nothing),
        T(test_sealed__equal_values_are_found),
        T(test_sealed__sorting_and_grouping_by_them_is_refused),
        T(test_sealed__without_the_master_key_a_search_asks_for_a_runner),
        T(test_sealed__rotation_seals_all_records_anew),
        T(test_sealed__a_value_moves_to_another_record_by_unmask_copy_alone),
        T(test_sealed__erasing_a_record_forgets_its_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
