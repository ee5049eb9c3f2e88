/* test_staff - departments with their paths, logins made of names, rights that must be read anew.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/limits.h"
#include "record/staff.h"

static enum err department_make(struct shop *shop, const char *name, int64_t parent, int64_t *id)
{
    struct record *record;
    const struct field *name_field = place_field(&shop->place, "department", "name");
    const struct field *parent_field = place_field(&shop->place, "department", "parent");
    struct value title = value_text(slice_str(name)), above = value_int(parent);
    shop_begin(shop);
    OK(record_new(shop->ctx, shop->department, &record));
    OK(record_set_values(shop->ctx, record, name_field, &title));
    if (parent)
        OK(record_set_values(shop->ctx, record, parent_field, &above));
    enum err e = record_save(shop->ctx, record, 0);
    *id = record->now[SLOT_ID].integer;
    if (e)
        shop_rollback(shop);
    else
        shop_commit(shop);
    return e;
}

static int64_t department(struct shop *shop, const char *name, int64_t parent)
{
    int64_t id;
    OK(department_make(shop, name, parent, &id));
    return id;
}

static enum err move_below(struct shop *shop, int64_t id, int64_t parent)
{
    struct record *record;
    struct value above = value_int(parent);
    shop_begin(shop);
    OK(record_load(shop->ctx, shop->department, id, ROLE_UPDATE, &record));
    OK(record_set_values(shop->ctx, record, place_field(&shop->place, "department", "parent"),
                         &above));
    enum err e = record_save(shop->ctx, record, 0);
    if (e)
        shop_rollback(shop);
    else
        shop_commit(shop);
    return e;
}

static const char *path(struct shop *shop, int64_t a, int64_t b, int64_t c)
{
    const char *text = arena_printf(shop->place.arena, "/%lld/", (long long)a);
    if (b)
        text = arena_printf(shop->place.arena, "%s%lld/", text, (long long)b);
    return c ? arena_printf(shop->place.arena, "%s%lld/", text, (long long)c) : text;
}

static void test_staff__a_moved_department_takes_its_paths_along(void **state)
{
    struct shop *shop = *state;
    int64_t top = department(shop, "Top", 0), other = department(shop, "Other", 0);
    int64_t middle = department(shop, "Middle", top), low = department(shop, "Low", middle);
    assert_string_equal(shop_get(shop, shop->department, low, "path"),
                        path(shop, top, middle, low));
    OK(move_below(shop, middle, other));
    assert_string_equal(shop_get(shop, shop->department, middle, "path"),
                        path(shop, other, middle, 0));
    assert_string_equal(shop_get(shop, shop->department, low, "path"),
                        path(shop, other, middle, low));
}

static void test_staff__a_department_is_never_below_itself(void **state)
{
    struct shop *shop = *state;
    int64_t top = department(shop, "Top", 0), low = department(shop, "Low", top);
    assert_int_equal(move_below(shop, top, low), ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "parent:below_itself");
    assert_int_equal(move_below(shop, top, top), ERR_VALIDATION);
    assert_string_equal(shop_get(shop, shop->department, low, "path"), path(shop, top, low, 0));
}

static void test_staff__so_many_levels_stand_below_one_another(void **state)
{
    struct shop *shop = *state;
    int64_t levels[DEPARTMENT_DEPTH_MAX], below = 0;
    for (int i = 0; i < DEPARTMENT_DEPTH_MAX; i++)
        below = levels[i] = department(shop, "Level", below);
    int64_t id;
    assert_int_equal(department_make(shop, "Deeper", below, &id), ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "parent:too_many_levels");
    /* Two that stand below one another go below the last but one, and no deeper. */
    int64_t top = department(shop, "Top", 0), low = department(shop, "Low", top);
    assert_int_equal(move_below(shop, top, levels[DEPARTMENT_DEPTH_MAX - 2]), ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "parent:too_many_levels");
    assert_string_equal(shop_get(shop, shop->department, low, "path"), path(shop, top, low, 0));
    OK(move_below(shop, top, levels[DEPARTMENT_DEPTH_MAX - 3]));
}

/* However many there are: what stood below the moved one follows it. */
static void test_staff__all_departments_of_a_level_move(void **state)
{
    struct shop *shop = *state;
    int64_t top = department(shop, "Top", 0), other = department(shop, "Other", 0);
    int64_t last = 0;
    for (int i = 0; i <= SUBTREE_IDS_MAX; i++)
        last = department(shop, "Below", top);
    OK(move_below(shop, top, other));
    assert_string_equal(shop_get(shop, shop->department, last, "path"),
                        path(shop, other, top, last));
}

static void test_staff__equal_names_get_different_logins(void **state)
{
    struct shop *shop = *state;
    shop->ctx->source = CTX_IMPORT;
    int64_t one = shop_make(shop, shop->user, "{\"name\":\"Anna  Snelling\"}");
    int64_t two = shop_make(shop, shop->user, "{\"name\":\"anna snelling\"}");
    assert_string_equal(shop_get(shop, shop->user, one, "login"), "anna.snelling");
    assert_string_equal(shop_get(shop, shop->user, two, "login"), "anna.snelling2");
    for (int i = 3; i <= 130; i++) {
        int64_t next = shop_make(shop, shop->user, "{\"name\":\"Anna Snelling\"}");
        assert_string_equal(shop_get(shop, shop->user, next, "login"),
                            arena_printf(shop->place.arena, "anna.snelling%d", i));
    }
}

static void test_staff__every_change_makes_rights_be_read_anew(void **state)
{
    struct shop *shop = *state;
    struct tenant *tenant = shop->place.tenant;
    shop->ctx->source = CTX_IMPORT;
    int64_t ann = shop_make(shop, shop->user, "{\"name\":\"Ann\"}");
    OK(tenant_refresh(tenant));
    int64_t before = tenant->header.auth_version;
    OK(shop_update(shop, shop->user, ann, "{\"phone\":\"13800001234\"}", 0));
    OK(tenant_refresh(tenant));
    assert_true(tenant->header.auth_version > before);
    before = tenant->header.auth_version;
    OK(shop_delete(shop, shop->user, ann));
    OK(tenant_refresh(tenant));
    assert_true(tenant->header.auth_version > before);
    before = tenant->header.auth_version;
    (void)shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    OK(tenant_refresh(tenant));
    assert_int_equal(tenant->header.auth_version, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_staff__a_moved_department_takes_its_paths_along),
        TEST(test_staff__a_department_is_never_below_itself),
        TEST(test_staff__so_many_levels_stand_below_one_another),
        TEST(test_staff__all_departments_of_a_level_move),
        TEST(test_staff__equal_names_get_different_logins),
        TEST(test_staff__every_change_makes_rights_be_read_anew),
    };
    return cmocka_run_group_tests_name("record/staff", tests, NULL, NULL);
}
