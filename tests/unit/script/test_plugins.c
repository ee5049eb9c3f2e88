/* test_plugins - the scripts of the product plugins, on records of a tenant that uses them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include "auth/user.h"
#include "base/id.h"

static int setup(void **state)
{
    static const char *const ids[] = {"hello", "people", "leads"};
    int failed = stage_setup(state);
    struct stage *stage = *state;
    for (int i = 0; i < 3; i++) {
        stage_product(stage, ids[i]);
        stage_enable(stage, ids[i]);
    }
    return failed;
}

/* "field code" of each complaint, joined by ", ". */
static const char *complaints(struct stage *stage)
{
    struct buf out = BUF_INIT;
    for (const struct err_field *f = stage->ctx.err.first; f; f = f->next)
        buf_printf(&out, "%s%s %s", out.len ? ", " : "", f->field, f->code);
    const char *text = arena_str(stage->arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static const struct json *ask(struct stage *stage, const char *service, const char *body)
{
    const struct json *argument, *answer;
    struct buf out = BUF_INIT;
    char *text = arena_strdup(stage->arena, body);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    OK(json_parse(stage->arena, slice_str(text), &argument, NULL));
    struct vm *vm = stage_vm(stage);
    enum err e = vm_service(vm, &stage->ctx, service, argument, &out);
    if (e)
        fail_msg("%s", stage->ctx.err.detail ? stage->ctx.err.detail : err_code(e));
    OK(json_parse(stage->arena, arena_slice(stage->arena, buf_slice(&out)), &answer, NULL));
    buf_release(&out);
    return json_get(answer, "items");
}

static void test_plugins__hello_greets(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    OK(stage_create(stage, "greeting", "{'name':'Moon'}", &id));
    assert_string_equal(stage_field(stage, "greeting", id, "text"), "\"Hello, Moon!\"");
    OK(stage_create(stage, "greeting", "{'name':'Moon','text':'Hi'}", &id));
    assert_string_equal(stage_field(stage, "greeting", id, "text"), "\"Hi\"");
    assert_int_equal(stage_create(stage, "greeting", "{'name':'R2D2'}", NULL), ERR_VALIDATION);
    assert_string_equal(complaints(stage), "name hello:no_digits");
    model_err_texts(&stage->ctx);
    assert_string_equal(stage->ctx.err.first->message, "A name has no digits.");
}

/* At least one of name, company, email, phone is set. */
static void test_plugins__a_lead_says_who_it_is(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    assert_int_equal(stage_create(stage, "lead", "{'source':'website'}", NULL), ERR_VALIDATION);
    assert_string_equal(complaints(stage),
                        "name leads:identity_required, company leads:identity_required, "
                        "emails leads:identity_required, phones leads:identity_required");
    model_err_texts(&stage->ctx);
    assert_string_equal(stage->ctx.err.first->message,
                        "Give at least a name, a company, an e-mail or a phone.");
    err_info_clear(&stage->ctx.err);
    stage->ctx.lang = LANG_ZH;
    assert_int_equal(stage_create(stage, "lead", "{}", NULL), ERR_VALIDATION);
    model_err_texts(&stage->ctx);
    assert_true((unsigned char)stage->ctx.err.first->message[0] >= 0x80);
    static const char *const enough[] = {"{'name':'张小伟'}", "{'company':'Acme'}",
                                         "{'emails':['a@b.example']}",
                                         "{'phones':['13800000001']}"};
    for (int i = 0; i < 4; i++)
        OK(stage_create(stage, "lead", enough[i], &id));
    assert_int_equal(stage_update(stage, "lead", id, "{'phones':null}"), ERR_VALIDATION);
}

/* Dead needs a reason. */
static void test_plugins__a_dead_lead_needs_a_reason(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    OK(stage_create(stage, "lead", "{'name':'a'}", &id));
    assert_int_equal(stage_update(stage, "lead", id, "{'status':'dead'}"), ERR_VALIDATION);
    assert_non_null(strstr(complaints(stage), "lost_reason"));
    OK(stage_update(stage, "lead", id, "{'status':'dead','lost_reason':'no_need'}"));
}

static void test_plugins__a_lead_is_scored(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    OK(stage_create(stage, "lead",
                    "{'name':'a','source':'referral','phones':['13800000001'],"
                    "'emails':['a@b.example'],'company':'Acme','visits':5,"
                    "'estimated_amount':{'amount':'100000.00','currency':'CNY'}}",
                    &id));
    assert_string_equal(stage_field(stage, "lead", id, "score"), "95");
    assert_non_null(strstr(stage_field(stage, "lead", id, "score_reasons"), "was referred"));
    OK(stage_update(stage, "lead", id, "{'phones':null,'source':null}"));
    assert_string_equal(stage_field(stage, "lead", id, "score"), "50");
    OK(stage_update(stage, "lead", id, "{'tags':['x']}"));
    assert_string_equal(stage_field(stage, "lead", id, "score"), "50");
}

static void test_plugins__duplicates_are_found_by_what_was_declared(void **state)
{
    struct stage *stage = *state;
    int64_t first, second;
    char text[ID_TEXT_LEN + 1];
    OK(stage_create(stage, "lead",
                    "{'name':'张小伟','company':'北京月亮','phones':['+86 138-0000-0001'],"
                    "'emails':['Wei@Moon.example']}",
                    &first));
    OK(stage_create(stage, "lead", "{'name':'张小伟','company':'上海太阳'}", &second));
    id_text(first, text);

    const struct json *items = ask(stage, "lead.match", "{'phones':['13800000001','nonsense']}");
    assert_int_equal(items->count, 1);
    assert_string_equal(json_cstr(items->first, "id", ""), text);
    assert_int_equal(json_int(items->first, "score", 0), 90);
    assert_string_equal(json_cstr(items->first, "title", ""), "张小伟");
    assert_string_equal(json_get(items->first, "reasons")->first->text.at, "Same phone");

    items = ask(stage, "lead.match",
                "{'name':'张小伟','company':'北京月亮','emails':['wei@moon.example']}");
    assert_int_equal(items->count, 2); /* the other has but the name: a hint, and behind */
    assert_int_equal(json_int(items->first, "score", 0), 95);
    assert_int_equal(json_get(items->first, "reasons")->count, 2);

    items = ask(stage, "lead.match", "{'name':'张小伟'}");
    assert_int_equal(items->count, 2);
    assert_int_equal(json_int(items->first, "score", 0), 30);
    assert_string_equal(json_get(items->first, "reasons")->first->text.at, "Same name");
    assert_int_equal(ask(stage, "lead.recognise", "{'name':'张小伟'}")->count, 0);
    assert_int_equal(ask(stage, "lead.match", "{'name':null,'phones':[]}")->count, 0);
    const char *own = arena_printf(stage->arena, "{'id':'%s','phones':['13800000001']}", text);
    assert_int_equal(ask(stage, "lead.match", own)->count, 0);
}

static void test_plugins__accounts_and_contacts_are_compared_too(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    OK(stage_create(stage, "account",
                    "{'name':'北京月亮','website':'https://moon.example','tax_number':'91110000X'}",
                    &id));
    assert_int_equal(ask(stage, "account.match", "{'name':'北京月亮'}")->count, 1);
    assert_int_equal(ask(stage, "account.match", "{'name':'北京'}")->count, 0);
    assert_int_equal(ask(stage, "account.match", "{'website':'https://moon.example'}")->count, 1);
    assert_int_equal(ask(stage, "account.match", "{'tax_number':'91110000X'}")->count, 1);
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    const char *body = arena_printf(stage->arena, "{'name':'李四','account':'%s'}", text);
    OK(stage_create(stage, "contact", body, NULL));
    assert_int_equal(ask(stage, "contact.match", body)->count, 1);
    assert_int_equal(ask(stage, "contact.match", "{'name':'李四'}")->count, 1);
    assert_int_equal(ask(stage, "contact.recognise", "{'name':'李四'}")->count, 0);
}

static enum err act(struct stage *stage, const char *action, int64_t lead)
{
    struct record *record;
    struct buf out = BUF_INIT;
    const struct entity *entity = model_entity(stage->model, SLICE("lead"));
    struct vm *vm = stage_vm(stage);
    stage_begin(stage);
    OK(record_load(&stage->ctx, entity, lead, ROLE_READ, &record));
    enum err e = vm_action(vm, &stage->ctx, entity, action, record, NULL, &out);
    if (e == ERR_PLUGIN)
        fail_msg("%s", stage->ctx.err.detail);
    buf_release(&out);
    return stage_end(stage, e);
}

static void test_plugins__a_lead_of_the_pool_is_picked_once(void **state)
{
    struct stage *stage = *state;
    int64_t lead, user;
    OK(store_begin(stage->tenant->store, true));
    OK(user_create(&stage->ctx, &(struct user_spec){.login = "ann", .name = "Ann"}, &user));
    OK(store_commit(stage->tenant->store));
    struct actor ann = {.user = user, .login = "ann", .name = "Ann", .active = true};
    OK(stage_create(stage, "lead", "{'name':'a'}", &lead));
    assert_int_equal(act(stage, "pick", lead), ERR_VALIDATION);
    assert_string_equal(complaints(stage), "owner leads:pool_nobody");
    stage->ctx.actor = &ann;
    OK(act(stage, "pick", lead));
    char text[ID_TEXT_LEN + 1];
    id_text(user, text);
    assert_non_null(strstr(stage_field(stage, "lead", lead, "owner"), text));
    assert_string_equal(stage_field(stage, "lead", lead, "status"), "\"assigned\"");
    assert_int_equal(act(stage, "pick", lead), ERR_CONFLICT);
    assert_string_equal(stage->ctx.err.code, "leads:pool_taken");
    stage->ctx.actor = NULL;
}

/* What one tenant has says nothing to another. */
static void test_plugins__duplicates_stay_in_their_tenant(void **state)
{
    struct stage *stage = *state;
    static const char *const ids[] = {"t", "people", "leads"};
    OK(stage_create(stage, "lead", "{'phones':['13800000001']}", NULL));
    stage_switch(stage, "bolt");
    for (int i = 0; i < 3; i++)
        stage_enable(stage, ids[i]);
    assert_int_equal(ask(stage, "lead.match", "{'phones':['13800000001']}")->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_plugins__##name, setup, stage_teardown)
        T(hello_greets),
        T(a_lead_says_who_it_is),
        T(a_dead_lead_needs_a_reason),
        T(a_lead_is_scored),
        T(duplicates_are_found_by_what_was_declared),
        T(accounts_and_contacts_are_compared_too),
        T(a_lead_of_the_pool_is_picked_once),
        T(duplicates_stay_in_their_tenant),
#undef T
    };
    return cmocka_run_group_tests_name("script/plugins", tests, NULL, NULL);
}
