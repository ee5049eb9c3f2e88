/* test_meta - metadata, boot and OpenAPI: valid, complete for the core, cut for a role.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "auth/actor.h"
#include "record/meta.h"

static struct actor seller;
static const struct role *seller_roles[1];

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    place_bundle(&place, "acme.cut", "plugin.json",
                 "{\"id\":\"acme.cut\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"t\","
                 "\"requires\":{\"leads\":\"^1\"}}");
    place_bundle(&place, "acme.cut", "roles/junior.json",
                 "{\"name\":\"junior\",\"grants\":{\"lead\":{\"read\":\"own\",\"create\":true,"
                 "\"fields\":{\"estimated_amount\":\"none\",\"grade\":\"read\"}}}}");
    place_ready(&place, "people", "leads", "acme.cut", NULL);
    seller_roles[0] = model_role(place.tenant, "junior");
    assert_non_null(seller_roles[0]);
    seller = (struct actor){.user = 5,
                            .login = "li",
                            .name = "李",
                            .roles = seller_roles,
                            .roles_count = 1,
                            .active = true};
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

/* as NULL: the core itself. */
static void as(struct place *p, const struct actor *actor)
{
    p->ctx.actor = actor;
    p->ctx.as_system = actor == NULL;
    p->ctx.lang = LANG_ZH;
    err_info_clear(&p->ctx.err);
}

static const struct json *read_back(struct place *p, struct buf *out)
{
    const struct json *doc = place_json(p, buf_cstr(out));
    buf_release(out);
    return doc;
}

static const struct json *named(const struct json *list, const char *name)
{
    json_each(item, list) if (slice_is(json_str(item, "name", SLICE("")), name)) return item;
    return NULL;
}

static const struct json *all(struct place *p)
{
    struct buf out = BUF_INIT;
    assert_int_equal(meta_all(&p->ctx, &out), ERR_OK);
    return read_back(p, &out);
}

static void test_meta__the_core_sees_everything(void **state)
{
    struct place *p = *state;
    as(p, NULL);
    const struct json *entities = json_get(all(p), "entities");
    assert_int_equal(entities->count, p->model->entities_count);
    const struct json *lead = named(entities, "lead");
    assert_string_equal(json_cstr(lead, "label", ""), "线索");
    const struct json *status = named(json_get(lead, "fields"), "status");
    assert_string_equal(json_cstr(status, "type", ""), "state");
    const struct json *option = json_at(json_get(status, "options"), 0);
    assert_string_equal(json_cstr(option, "value", ""), "new");
    assert_string_equal(json_cstr(option, "label", ""), "新线索");
    assert_non_null(json_get(status, "flow"));
    assert_true(json_bool(named(json_get(lead, "fields"), "score"), "readonly", false));
    assert_null(named(json_get(lead, "fields"), "delete_batch"));
    assert_true(json_get(lead, "views")->count >= 6);
    assert_true(json_get(lead, "relations")->count >= 1);
}

static void test_meta__language_follows_the_asker(void **state)
{
    struct place *p = *state;
    struct buf out = BUF_INIT;
    as(p, NULL);
    p->ctx.lang = LANG_EN;
    assert_int_equal(meta_entity(&p->ctx, place_entity(p, "account"), &out), ERR_OK);
    const struct json *account = read_back(p, &out);
    assert_string_equal(json_cstr(account, "label", ""), "Account");
    assert_string_equal(json_cstr(named(json_get(account, "fields"), "name"), "label", ""), "Name");
}

static void test_meta__what_a_role_may_not_see_is_not_there(void **state)
{
    struct place *p = *state;
    struct buf out = BUF_INIT;
    as(p, &seller);
    const struct json *entities = json_get(all(p), "entities");
    assert_int_equal(entities->count, 2); /* and everybody's own notifications */
    assert_non_null(named(entities, "notification"));
    const struct json *lead = named(entities, "lead");
    const struct json *fields = json_get(lead, "fields");
    assert_null(named(fields, "estimated_amount"));
    assert_true(json_bool(named(fields, "grade"), "readonly", false));
    assert_false(json_bool(named(fields, "company"), "readonly", false));
    assert_false(json_bool(json_get(lead, "rights"), "delete", true));
    assert_true(json_bool(json_get(lead, "rights"), "create", false));
    buf_clear(&out);
    json_put(&out, json_get(lead, "views"));
    assert_null(strstr(buf_cstr(&out), "estimated_amount"));
    buf_release(&out);
    assert_int_equal(meta_entity(&p->ctx, place_entity(p, "account"), &out), ERR_NOT_FOUND);
    assert_int_equal(p->ctx.err.count, 0);
}

static void test_meta__boot_names_user_tenant_and_menu(void **state)
{
    struct place *p = *state;
    struct buf out = BUF_INIT;
    as(p, &seller);
    assert_int_equal(meta_boot(&p->ctx, &out), ERR_OK);
    const struct json *boot = read_back(p, &out);
    assert_string_equal(json_cstr(json_get(boot, "user"), "login", ""), "li");
    assert_string_equal(json_cstr(json_get(boot, "tenant"), "currency", ""), "CNY");
    assert_int_equal(json_get(boot, "menu")->count, 2); /* home and leads; no group of accounts */
    const struct json *permissions = json_get(boot, "permissions");
    assert_int_equal(json_get(permissions, "admin")->count, 0);
    assert_int_equal(json_get(json_get(permissions, "entities"), "lead")->count, 2);
    as(p, NULL);
    assert_int_equal(meta_boot(&p->ctx, &out), ERR_OK);
    boot = read_back(p, &out);
    assert_true(json_get(boot, "menu")->count > 2);
    assert_true(json_get(json_get(boot, "permissions"), "admin")->count > 5);
}

static void test_meta__openapi_describes_the_records(void **state)
{
    static const struct meta_path fixed[] = {{"/sessions", "get", "My sessions"},
                                             {"/sessions", "post", "Sign in"},
                                             {"/files/{id}", "get", "Read a file"}};
    struct place *p = *state;
    struct buf out = BUF_INIT;
    meta_openapi_paths(fixed, 3);
    as(p, NULL);
    assert_int_equal(meta_openapi(&p->ctx, &out), ERR_OK);
    const struct json *doc = read_back(p, &out);
    assert_string_equal(json_cstr(doc, "openapi", ""), "3.0.3");
    const struct json *paths = json_get(doc, "paths");
    assert_non_null(json_get(json_get(paths, "/records/lead"), "post"));
    assert_int_equal(json_get(paths, "/records/lead/{id}")->count, 3);
    assert_int_equal(json_get(paths, "/sessions")->count, 2);
    const struct json *schemas = json_get(json_get(doc, "components"), "schemas");
    const struct json *input = json_get(json_get(schemas, "account.input"), "properties");
    assert_non_null(json_get(input, "name"));
    assert_null(json_get(input, "number"));
    assert_null(json_get(input, "created_at"));
    assert_non_null(json_get(input, "version"));
    assert_non_null(json_get(json_get(json_get(schemas, "account"), "properties"), "number"));
    as(p, &seller);
    assert_int_equal(meta_openapi(&p->ctx, &out), ERR_OK);
    doc = read_back(p, &out);
    assert_null(json_get(json_get(doc, "paths"), "/records/account"));
    assert_null(json_get(json_get(json_get(doc, "paths"), "/records/lead/{id}"), "delete"));
}

static void test_meta__texts_are_one_object(void **state)
{
    struct place *p = *state;
    struct buf out = BUF_INIT;
    meta_texts(p->model, LANG_EN, &out);
    const struct json *texts = read_back(p, &out);
    assert_string_equal(json_cstr(texts, "leads:lead", ""), "Lead");
    int count = 0;
    struct slice key;
    const char *text;
    for (size_t at = 0; model_text_next(p->model, LANG_EN, &at, &key, &text); count++)
        assert_ptr_equal(model_text_find(p->model, LANG_EN, key), text);
    assert_int_equal(texts->count, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meta__the_core_sees_everything),
        cmocka_unit_test(test_meta__language_follows_the_asker),
        cmocka_unit_test(test_meta__what_a_role_may_not_see_is_not_there),
        cmocka_unit_test(test_meta__boot_names_user_tenant_and_menu),
        cmocka_unit_test(test_meta__openapi_describes_the_records),
        cmocka_unit_test(test_meta__texts_are_one_object),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
