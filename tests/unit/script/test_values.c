/* test_values - money, decimals, days, instants and ids as scripts reckon with them; rights of
 * ctx.db.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include "auth/user.h"
#include "base/id.h"

static void test_values__money_is_exact_and_keeps_its_currency(void **state)
{
    stage_gives(
        *state,
        "local a = crm.money('0.10') + crm.money('0.20')\n"
        "return { tostring(a), a == crm.money('0.30'), (a * 3).minor, (a - a).amount,\n"
        "  tostring(-a), a < crm.money(1), tostring(a * crm.decimal('0.15')),\n"
        "  tostring(crm.money(100, 'JPY')), crm.money { minor = 5, currency = 'USD' }.amount }",
        "['0.30 CNY',true,90,'0.00','-0.30 CNY',true,'0.04 CNY','100 JPY','0.05']");
    stage_fails(*state, "return crm.money(1.5)", "an amount is a text such as");
    stage_fails(*state, "return crm.money(1, 'XYZW')", "this is no currency");
    stage_fails(*state, "return crm.money('0.001')", "an amount is a text such as");
    stage_fails(*state, "return crm.money(1, 'USD') < crm.money(1, 'CNY')",
                "reckoned with together");
    stage_fails(*state, "return crm.money { minor = math.maxinteger } + crm.money(1)", "too large");
    stage_fails(*state, "return -crm.money { minor = math.mininteger }", "too large");
    stage_fails(*state, "return crm.money(1).cents", "no \"cents\"");
}

static void test_values__decimals_are_exact(void **state)
{
    stage_gives(*state,
                "local d = crm.decimal\n"
                "return { tostring(d('1.10') + d('2.205')), tostring(d('1.1') * d('1.1')),\n"
                "  tostring(d(10):div(3, 4)), tostring(d('2.5'):round(0)), d('1.0') == d('1'),\n"
                "  d('1.5') < 2, tostring(-d('0.5')), d('1.5'):tonumber() }",
                "['3.305','1.21','3.3333','2',true,true,'-0.5',1.5]");
    stage_fails(*state, "return crm.decimal('x')", "such as \"1.25\"");
    stage_fails(*state, "return crm.decimal(0.1)", "such as \"1.25\"");
    stage_fails(*state, "return crm.decimal(1):div(0, 2)", "division by zero");
    stage_fails(*state, "return crm.decimal(math.maxinteger) + 1", "too large");
    stage_fails(*state, "return crm.decimal(1):round(99)", "no such scale");
}

/* As Lua writes them, unless that would cut off whole units. */
static void test_values__numbers_keep_their_digits(void **state)
{
    stage_gives(*state,
                "return { 0.1 + 0.2, 1e13 - 0.5, 134567123456789.103, 99999999999999.7, 2^53 + 2,\n"
                "  1.2345678901234567e+300, -0.0, 1e-300 }",
                "[0.3,9999999999999.5,134567123456789.11,99999999999999.7,9007199254740994,"
                "1.2345678901234567e+300,0,1e-300]");
}

static void test_values__time_adds_and_compares(void **state)
{
    stage_gives(*state,
                "local t, d = crm.datetime('2026-01-31T22:30:00Z'), crm.date('2026-01-31')\n"
                "return { tostring(t:add { hours = 2, minutes = -30 }), tostring(t:date()),\n"
                "  tostring(d:add { months = 1 }), tostring(d:add { months = -11, days = 1 }),\n"
                "  d < d:add { days = 1 }, d == crm.date('2026-01-31'), d:add { weeks = 1 } - d,\n"
                "  t:add { seconds = 1 } - t, d:year(), d:month(), d:day() }",
                "['2026-02-01T00:00:00.000Z','2026-02-01','2026-02-28','2025-03-01',true,true,7,"
                "1000,2026,1,31]");
    stage_fails(*state, "return crm.date('2026-02-30')", "a day is written");
    stage_fails(*state, "return crm.datetime('soon')", "an instant is written");
    stage_fails(*state, "return ctx.now():add { hour = 1 }",
                "there is no unit \"hour\" (did you mean \"hours\"?): weeks, days, hours, minutes");
    stage_fails(*state, "return ctx.now():add { days = 1 << 40 }", "too many");
    stage_fails(*state, "return crm.date('2026-01-31'):add { months = 100000000 }",
                "beyond the calendar");
    stage_fails(*state, "return crm.date('2026-01-31') < ctx.now()", "expected");
}

/* A view of the model's JSON behaves as a frozen table does. */
static void test_values__a_declaration_is_read_only(void **state)
{
    stage_gives(
        *state,
        "local e, names, order = crm.entity('thing'), {}, {}\n"
        "for i, field in ipairs(e.fields) do names[i] = field.name end\n"
        "for key in pairs(e) do order[#order + 1] = key end\n"
        "local last\n"
        "for i, field in pairs(e.fields) do last = i .. field.name end\n"
        "return { e.title, e.owner, e.nothing == nil, #e.fields, names[2], last,\n"
        "  table.concat(order, ' '), e.fields[1] == crm.entity('thing').fields[1],\n"
        "  e.fields[1] == e.fields[2], e.fields[0] == nil, e.fields[99] == nil,\n"
        "  table.concat(e.fields[5].values, '-'), e.fields[2].max, type(e),\n"
        "  getmetatable(e) }",
        "['name',true,true,11,'amount','11status','name title owner fields',true,false,true,"
        "true,'a-b-c',1000000,'userdata',false]");
    stage_gives(*state, "return { kept = crm.entity('thing').fields[11].flow.new }",
                "{'kept':['open']}");
    stage_fails(*state, "crm.entity('thing').title = 'x'", "read-only: \"title\" cannot be set");
    stage_fails(*state, "table.insert(crm.entity('thing').fields, 1)", "table expected");
}

static void test_values__business_calendars_count_working_time(void **state)
{
    stage_gives(*state,
                "local c = crm.calendar { week = { mon = { '09:00-12:00', '13:30-18:00' } },\n"
                "  days = { ['2026-10-06'] = { '10:00-11:00' } } }\n"
                "local t = crm.datetime('2026-10-05T11:00:00+08:00')\n"
                "local due = c:add(t, { hours = 2 })\n"
                "local parts = c:stretches(t, due)\n"
                "return { tostring(due), c:between(t, due), c:between(due, t), c:is_open(t),\n"
                "  tostring(c:next(c:add(t, { hours = 5, minutes = 30 }))), #parts,\n"
                "  tostring(parts[2].from), parts[2].to == due }",
                "['2026-10-05T06:30:00.000Z',7200000,-7200000,true,'2026-10-06T02:00:00.000Z',2,"
                "'2026-10-05T05:30:00.000Z',true]");
    stage_gives(*state,
                "local t = crm.datetime('2026-10-05T00:00:00Z')\n"
                "local c = crm.calendar { week = { mon = { '00:00-24:00' } } }\n"
                "return { c:add(t, { ms = 300000000 }) > t }",
                "[true]");
    stage_fails(*state,
                "return crm.calendar { week = { mon = { '09:00-10:00' } } }:add(ctx.now(), "
                "{ ms = 100000000001 })",
                "ms: too many");
    stage_fails(*state, "return crm.calendar {}", "no working time");
    stage_fails(*state, "return crm.calendar { week = { mon = { '9-12' } } }", "week.mon: a range");
    stage_fails(*state,
                "return crm.calendar { week = { mon = { '09:00-10:00' } } }:add(ctx.now(), {})"
                ":add { day = 1 }",
                "no unit \"day\"");
    stage_fails(*state,
                "return crm.calendar { week = { mon = { '09:00-10:00' } } }:add(ctx.now(), "
                "{ minutes = -1 })",
                "never taken away");
    stage_fails(*state,
                "return crm.calendar { days = { ['2020-01-01'] = { '09:00-10:00' } } }:next("
                "ctx.now())",
                "too little working time");
    stage_gives(*state,
                "local c = crm.calendar { week = { mon = { '09:00-10:00' } } }\n"
                "local t = crm.datetime('2000-01-01T00:00:00Z')\n"
                "local w = t:add { weeks = 3000 }\n"
                "return { #c:stretches(t, t:add { weeks = 522 }), c:between(t, w) > 0 }",
                "[522,true]");
    stage_gives(*state,
                "local c = crm.calendar { week = { mon = { '09:00-10:00', '10:01-11:00' } } }\n"
                "local t = crm.datetime('2000-01-01T00:00:00Z')\n"
                "return { #c:stretches(t, t:add { weeks = 500 }),\n"
                "  #c:stretches(t, t:add { weeks = 501 }) }",
                "[1000,1000]");
}

static void test_values__ids_and_contexts(void **state)
{
    stage_gives(*state,
                "local text = crm.id_text(12345)\n"
                "return { #text, crm.id_parse(text), crm.id_parse('no') == nil, ctx.has('t'),\n"
                "  ctx.has('nobody') or ctx.offers('nobody.there'),\n"
                "  ctx.t('@bad', { n = 3 }), ctx.config.most, ctx.user == nil,\n"
                "  ctx.tenant.currency, ctx.limits().reads, tostring(ctx.now()), ctx.source }",
                "[13,12345,true,true,false,'3 is bad.',7,true,'CNY',200,"
                "'2026-05-28T20:26:40.000Z','api']");
    stage_gives(*state, "return { #crm.token(), crm.token() ~= crm.token() }", "[32,true]");
    stage_gives(*state, "return { crm.sha256('abc'), #crm.sha256('') }",
                "['ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',64]");
    stage_fails(*state, "ctx.config.most = 1", "this is read-only");
    stage_fails(*state, "ctx.user = 1", "ctx is read-only");
    stage_fails(*state, "return crm.id_text(0)", "this is no id");
    stage_fails(*state, "return ctx.call('nothing')", "there is no service \"nothing\"");
    stage_fails(*state, "return function() end", "a function cannot be kept as data");
    stage_fails(*state, "return 0/0", "finite");
    stage_fails(*state, "return { [1.5] = 1 }", "keys of an object are texts");
    stage_fails(*state, "ctx.db.thing:insert { name = 'x' }", "nothing can be written here");
}

/* Somebody without roles sees nothing through ctx.db, unless the plugin declared the entity and
 * says as_system; what a handler does further down has that person's rights again. */
static void test_values__db_has_the_rights_of_who_asks(void **state)
{
    struct stage *stage = *state;
    int64_t id, user;
    const struct actor *actor;
    OK(store_begin(stage->tenant->store, true));
    OK(tenant_refresh(stage->tenant));
    OK(user_create(&stage->ctx, &(struct user_spec){.login = "ann"}, &user));
    OK(store_commit(stage->tenant->store));
    OK(tenant_refresh(stage->tenant));
    OK(stage_create(stage, "thing", "{'name':'a','amount':4}", &id));
    OK(actor_load(stage->tenant, user, &actor));
    stage->ctx.actor = actor;
    stage->ctx.as_system = false;
    stage_gives(stage,
                "local all, why, name = ctx.db.thing:find()\n"
                "local system = ctx.db:as_system()\n"
                "return { all == nil, name, ctx.can('thing:read'), #system.thing:find(),\n"
                "  system.thing:count { where = { amount = 4 } }, ctx.user.login }",
                "[true,'FORBIDDEN',false,1,1,'ann']");
    stage->ctx.as_system = true;
    stage->ctx.actor = NULL;
}

static void test_values__fields_are_told_as_they_are(void **state)
{
    stage_gives(
        *state,
        "local told = {}\n"
        "for _, field in ipairs(ctx.fields('thing')) do\n"
        "  told[#told + 1] = field.name .. ':' .. field.type .. (field.readonly and '!' or '')"
        "\nend\nreturn told",
        "['name:text','amount:int','price:money','rate:decimal','level:enum','due:datetime',"
        "'day:date','tags:tags','score:int!','done:bool','status:state']");
    stage_gives(*state,
                "local two = ctx.fields('thing')[5].choices[2] return { two.value, two.label }",
                "['b','b']");
    stage_gives(*state, "return ctx.fields('part')[4].readonly", "true");
    stage_fails(*state, "return ctx.fields('nothing')", "there is no entity \"nothing\"");
    stage_fails(*state, "return ctx.fields()", "string expected");
}

/* Somebody with a role of that name, which may read things and run that one operation. */
static int64_t worker(struct stage *stage, const char *login, const char *role)
{
    const char *const roles[] = {role, NULL};
    int64_t id;
    const char *body = arena_printf(
        stage->arena,
        "{\"name\":\"%s\",\"grants\":{\"thing\":{\"read\":\"all\",\"actions\":[\"%s\"]}}}", role,
        role);
    const struct store_set sets[] = {{"name", value_text(slice_str(role)), false},
                                     {"body", value_text(slice_str(body)), false}};
    OK(store_begin(stage->tenant->store, true));
    OK(store_put(stage->tenant->store, "role", sets, 2));
    OK(store_header_bump(stage->tenant->store, false, true));
    OK(store_commit(stage->tenant->store));
    OK(store_begin(stage->tenant->store, true));
    OK(tenant_refresh(stage->tenant));
    OK(user_create(&stage->ctx, &(struct user_spec){.login = login, .name = login, .roles = roles},
                   &id));
    OK(store_commit(stage->tenant->store));
    OK(tenant_refresh(stage->tenant));
    return id;
}

static const char *asks_may(struct stage *stage, int64_t user, const char *operation)
{
    return arena_printf(stage->arena, "return ctx.may(%lld, 'thing:%s')", (long long)user,
                        operation);
}

static void test_values__an_operation_of_others_needs_a_capability(void **state)
{
    struct stage *stage = *state;
    stage_fails(stage, "return ctx.may(1, 'thing:lift')", "the capability \"db:user:r\"");
    stage_write(stage, "t/plugin.json",
                "{\"id\":\"t\",\"version\":\"1.0.1\",\"api\":1,\"title\":\"T\","
                "\"capabilities\":[\"db:thing:rw\",\"db:user:r\"]}");
    stage_switch(stage, "bolt"); /* which has no model yet */
    stage_enable(stage, "t");
    stage_gives(stage, "return ctx.may(1, 'thing:lift')", "false");
    int64_t lifter = worker(stage, "ann", "lift"), other = worker(stage, "bob", "push");
    stage_gives(stage, asks_may(stage, lifter, "lift"), "true");
    stage_gives(stage, asks_may(stage, lifter, "drop"), "false");
    stage_gives(stage, asks_may(stage, other, "lift"), "false");
    OK(store_begin(stage->tenant->store, true));
    OK(user_set_active(&stage->ctx, lifter, false));
    OK(store_commit(stage->tenant->store));
    OK(tenant_refresh(stage->tenant));
    stage_gives(stage, asks_may(stage, lifter, "lift"), "false"); /* who has left may nothing */
    stage_fails(stage, "return ctx.may(1, 'lift')", "an operation is written");
    stage_fails(stage, "return ctx.may(1, 'nothing:lift')", "an operation is written");
}

static void test_values__aggregates_and_pages(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < 5; i++)
        OK(stage_create(stage, "thing", i % 2 ? "{'level':'a','amount':2}" : "{'level':'b'}",
                        NULL));
    stage_gives(stage,
                "local groups = assert(ctx.db.thing:aggregate { group = { 'level' },\n"
                "  measure = { 'count' } })\n"
                "local n = 0\n"
                "for thing in ctx.db.thing:each { limit = 3 } do n = n + 1 end\n"
                "for thing in ctx.db.thing:each { where = { level = 'c' } } do n = n + 100 end\n"
                "return { #groups, n, #ctx.db.thing:find { limit = 2 },\n"
                "  #ctx.db.thing:find { where = { level = { 'a', 'c' } } } }",
                "[2,3,2,2]");
}

/* As it is written: with the entity, because an id alone does not say where to look. */
static void test_values__a_reference_to_anything_says_where(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    char text[ID_TEXT_LEN + 1];
    OK(stage_create(stage, "thing", "{'name':'a'}", &id));
    id_text(id, text);
    const char *part = arena_printf(stage->arena, "{'about':{'entity':'thing','id':'%s'}}", text);
    OK(stage_create(stage, "part", part, NULL));
    OK(stage_create(stage, "part", "{'name':'of nothing'}", NULL));
    stage_gives(stage,
                "local part = ctx.db.part:find { where = { about = { ne = crm.null } } }[1]\n"
                "local same = ctx.db.part:count { where = { about = part.about.id } }\n"
                "return { part.about.entity, ctx.db.thing:get(part.about.id).name, same,\n"
                "  #ctx.db.part:find { where = { about = crm.null } } }",
                "['thing','a',1,1]");
    stage_fails(stage, "ctx.db.part:find { order = 'id' }[1].about.id = 1", "read-only");
}

/* What is reckoned from an amount in another currency counts as much at home as the amount. */
static void test_values__an_amount_keeps_its_rate(void **state)
{
    struct stage *stage = *state;
    const struct entity *entity = model_entity(stage->model, SLICE("thing"));
    struct record *record;
    int64_t id;
    stage_script(stage, "crm.on('thing', 'before_create', { id = 'half' }, function(ev)\n"
                        "  local thing = ev.record\n"
                        "  if thing.price then thing.price = -thing.price * 3 + thing.price end\n"
                        "end)\n");
    OK(stage_create(stage, "thing", "{'price':{'amount':'10.00','currency':'USD','rate':'7.1'}}",
                    &id));
    stage_begin(stage);
    OK(record_load(&stage->ctx, entity, id, ROLE_READ, &record));
    const struct value *price = record->now + entity_field(entity, SLICE("price"))->slot;
    assert_int_equal(price[0].integer, -2000);
    assert_int_equal(price[2].integer, -14200);
    assert_int_equal(price[3].integer, 7100000);
    OK(stage_end(stage, ERR_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_values__##name, stage_setup, stage_teardown)
        T(money_is_exact_and_keeps_its_currency),
        T(decimals_are_exact),
        T(numbers_keep_their_digits),
        T(time_adds_and_compares),
        T(a_declaration_is_read_only),
        T(business_calendars_count_working_time),
        T(ids_and_contexts),
        T(a_reference_to_anything_says_where),
        T(an_amount_keeps_its_rate),
        T(db_has_the_rights_of_who_asks),
        T(fields_are_told_as_they_are),
        T(an_operation_of_others_needs_a_capability),
        T(aggregates_and_pages),
#undef T
    };
    return cmocka_run_group_tests_name("script/values", tests, NULL, NULL);
}
