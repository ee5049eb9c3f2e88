/* test_field_parse - what each type reads, how it writes it back, and what it refuses.
 *
 * One entity with a field of every type; each row of the tables gives JSON and wants JSON or a
 * code.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "record/field_kit.h"

static const char entity_json[] =
    "{\"name\":\"thing\",\"owner\":true,\"fields\":["
    "{\"no\":1,\"name\":\"name\",\"type\":\"text\",\"length\":10},"
    "{\"no\":2,\"name\":\"long\",\"type\":\"longtext\"},"
    "{\"no\":3,\"name\":\"rich\",\"type\":\"richtext\"},"
    "{\"no\":4,\"name\":\"int\",\"type\":\"int\",\"min\":-5,\"max\":100},"
    "{\"no\":5,\"name\":\"decimal\",\"type\":\"decimal\",\"scale\":3},"
    "{\"no\":6,\"name\":\"money\",\"type\":\"money\",\"min\":0},"
    "{\"no\":7,\"name\":\"percent\",\"type\":\"percent\",\"max\":\"100\"},"
    "{\"no\":8,\"name\":\"bool\",\"type\":\"bool\"},"
    "{\"no\":9,\"name\":\"date\",\"type\":\"date\"},"
    "{\"no\":10,\"name\":\"datetime\",\"type\":\"datetime\"},"
    "{\"no\":11,\"name\":\"duration\",\"type\":\"duration\"},"
    "{\"no\":12,\"name\":\"enum\",\"type\":\"enum\",\"values\":[\"a\",{\"value\":\"old\","
    "\"active\":"
    "false}]},"
    "{\"no\":13,\"name\":\"multienum\",\"type\":\"multienum\",\"values\":[\"a\",\"b\"]},"
    "{\"no\":14,\"name\":\"dict\",\"type\":\"dict\",\"dictionary\":\"fruit\"},"
    "{\"no\":15,\"name\":\"state\",\"type\":\"state\",\"values\":[\"new\",\"open\",\"shut\"],"
    "\"initial\":[\"new\"],\"flow\":{\"new\":[\"open\",{\"to\":\"shut\",\"requires\":[\"name\"]}],"
    "\"open\":[\"shut\"]},\"requires\":{\"shut\":[\"long\"]}},"
    "{\"no\":16,\"name\":\"ref\",\"type\":\"ref\",\"entity\":\"thing\"},"
    "{\"no\":17,\"name\":\"refs\",\"type\":\"refs\",\"entity\":\"thing\"},"
    "{\"no\":18,\"name\":\"ref_any\",\"type\":\"ref_any\",\"entities\":[\"thing\"]},"
    "{\"no\":19,\"name\":\"user\",\"type\":\"user\"},{\"no\":20,\"name\":\"crew\",\"type\":"
    "\"team\"},"
    "{\"no\":21,\"name\":\"phone\",\"type\":\"phone\"},"
    "{\"no\":22,\"name\":\"phones\",\"type\":\"phone\",\"multiple\":true},"
    "{\"no\":23,\"name\":\"email\",\"type\":\"email\"},"
    "{\"no\":24,\"name\":\"emails\",\"type\":\"email\",\"multiple\":true},"
    "{\"no\":25,\"name\":\"url\",\"type\":\"url\"},{\"no\":26,\"name\":\"address\",\"type\":"
    "\"address\"},"
    "{\"no\":27,\"name\":\"geo\",\"type\":\"geo\"},{\"no\":28,\"name\":\"file\",\"type\":\"file\"},"
    "{\"no\":29,\"name\":\"files\",\"type\":\"files\"},{\"no\":30,\"name\":\"image\",\"type\":"
    "\"image\"},"
    "{\"no\":31,\"name\":\"json\",\"type\":\"json\"},{\"no\":32,\"name\":\"tags\",\"type\":"
    "\"tags\"},"
    "{\"no\":33,\"name\":\"color\",\"type\":\"color\"},{\"no\":34,\"name\":\"rating\",\"type\":"
    "\"rating\"},"
    "{\"no\":35,\"name\":\"number\",\"type\":\"autonumber\",\"pattern\":\"N-{yyyy}{mm}-{counter:4}"
    "\","
    "\"reset\":\"monthly\"},"
    "{\"no\":36,\"name\":\"computed\",\"type\":\"computed\",\"fn\":\"m.f\",\"deps\":[\"int\"],"
    "\"result\":\"decimal\",\"scale\":1},"
    "{\"no\":37,\"name\":\"rollup\",\"type\":\"rollup\",\"from\":\"thing\",\"by\":\"ref\",\"op\":"
    "\"sum\","
    "\"field\":\"decimal\"},"
    "{\"no\":38,\"name\":\"lookup\",\"type\":\"lookup\",\"path\":\"ref.enum\"},"
    "{\"no\":39,\"name\":\"texts\",\"type\":\"text\",\"multiple\":true},"
    "{\"no\":40,\"name\":\"code\",\"type\":\"text\",\"length\":4,\"length_min\":2}]}";

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    place_plugin(&place, "shop", NULL);
    place_write(&place, "shop/entities/thing.json", entity_json);
    place_write(&place, "shop/dictionaries/fruit.json",
                "{\"name\":\"fruit\",\"values\":[\"apple\",\"pear\"]}");
    place_ready(&place, "shop", NULL);
    for (int i = 0; i < place.model->plugins_count; i++)
        if (place.model->plugins[i]->broken)
            fail_msg("%s", place.model->plugins[i]->broken);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static enum err parse(struct place *p, const struct field *field, const char *json,
                      struct value values[4])
{
    err_info_clear(&p->ctx.err);
    memset(values, 0, 4 * sizeof *values);
    return field->type->parse(&p->ctx, field, field->name, place_json(p, json), values);
}

/* JSON in → JSON out. */
static void gives(struct place *p, const char *name, const char *in, const char *want)
{
    struct value values[4];
    struct buf out = BUF_INIT;
    const struct field *field = place_field(p, "thing", name);

    if (parse(p, field, in, values))
        fail_msg("%s refused %s: %s", name, in, p->ctx.err.first->code);
    if (values[0].type == VALUE_NULL)
        buf_put_str(&out, "null");
    else
        field->type->put(field, values, &out);
    if (strcmp(buf_cstr(&out), want) != 0)
        fail_msg("%s: %s gave %s, not %s", name, in, buf_cstr(&out), want);
    buf_release(&out);
}

static void gives_text(struct place *p, const char *name, const char *in, const char *want)
{
    struct value values[4];
    struct buf out = BUF_INIT;
    const struct field *field = place_field(p, "thing", name);

    assert_int_equal(parse(p, field, in, values), ERR_OK);
    (field->type->put_text ? field->type->put_text : field->type->put)(field, values, &out);
    assert_string_equal(buf_cstr(&out), want);
    buf_release(&out);
}

static void refuses(struct place *p, const char *name, const char *in, const char *code)
{
    struct value values[4];

    if (parse(p, place_field(p, "thing", name), in, values) != ERR_VALIDATION)
        fail_msg("%s took %s", name, in);
    if (strcmp(p->ctx.err.first->code, code) != 0)
        fail_msg("%s: %s said %s, not %s", name, in, p->ctx.err.first->code, code);
}

static void test_field__texts(void **state)
{
    struct place *p = *state;
    gives(p, "name", "\"  a \\n b \"", "\"a b\"");
    gives(p, "name", "\"\"", "null");
    gives(p, "name", "12.50", "\"12.50\"");
    gives(p, "name", "\"一二三四五六七八九十\"", "\"一二三四五六七八九十\"");
    refuses(p, "name", "\"12345678901\"", "too_long");
    refuses(p, "name", "[]", "not_a_text");
    gives(p, "code", "\"一二\"", "\"一二\"");
    gives(p, "code", "\"\"", "null");
    refuses(p, "code", "\"一\"", "too_short");
    refuses(p, "code", "\"12345\"", "too_long");
    gives(p, "texts", "[\"b\",\"a\",\"b\"]", "[\"b\",\"a\"]");
    gives(p, "texts", "[]", "null");
    refuses(p, "texts", "[1,{}]", "not_a_text");
    gives(p, "long", "\"a\\r\\nb\\rc\"", "\"a\\nb\\nc\"");
}

static void test_field__richtext_cannot_run(void **state)
{
    struct place *p = *state;
    gives(p, "rich", "\"<p onclick='x()'>hi <b>there</b></p>\"", "\"<p>hi <b>there</b></p>\"");
    gives(p, "rich", "\"a<script>alert(1)</script>b\"", "\"ab\"");
    gives(p, "rich", "\"<SCRIPT src=x>y\"", "null");
    gives(p, "rich", "\"<a href='javascript:alert(1)'>x</a>\"", "\"<a>x</a>\"");
    gives(p, "rich", "\"<a href=' java\\tscript:1'>x</a>\"", "\"<a>x</a>\"");
    gives(p, "rich", "\"<a href=https://a.cn/?b=1>x</a>\"",
          "\"<a href=\\\"https://a.cn/?b=1\\\" rel=\\\"noopener\\\">x</a>\"");
    gives(p, "rich", "\"<img src=x onerror=alert(1)>\"", "null");
    gives(p, "rich", "\"<<script>script>alert(1)</script>\"", "\"&lt;\"");
    gives(p, "rich", "\"1 < 2 > 1 <!-- <b> --> ok\"", "\"1 &lt; 2 &gt; 1  ok\"");
    gives(p, "rich", "\"<p title=\\\"a>b\\\" <i>x\"", "\"<p>x\"");
    gives(p, "rich", "\"open <b\"", "\"open\"");
    gives_text(p, "rich", "\"<p>a <b>b</b></p>\"", "a b");
}

static const char *json_of(struct place *p, const struct json *node)
{
    struct buf text = BUF_INIT;
    json_put(&text, node);
    const char *copy = arena_str(p->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

/* What the console's editor writes is kept as it is; the console runs the same cases. */
static void test_field__richtext_is_what_the_editor_writes(void **state)
{
    struct place *p = *state;
    const struct json *cases;
    const char *why = "";
    if (json_load(p->arena, PERIGEE_SOURCE_DIR "/tests/fixtures/richtext.json", &cases, &why))
        fail_msg("%s", why);
    json_each(one, cases)
    {
        const struct json *clean = json_get(one, "clean"), *text = json_get(one, "text");
        gives(p, "rich", json_of(p, json_get(one, "html")), json_of(p, clean));
        gives(p, "rich", json_of(p, clean), json_of(p, clean));
        gives(p, "rich", json_of(p, json_get(one, "edited")), json_of(p, json_get(one, "edited")));
        if (text)
            gives_text(p, "rich", json_of(p, clean), arena_str(p->arena, text->text));
    }
    gives_text(p, "rich", "\"<p>1 &lt; 2 &amp;amp; 3&nbsp;&copy;</p><hr><p>b</p>\"",
               "1 < 2 &amp; 3 &copy;\nb");
}

static void test_field__numbers_are_exact(void **state)
{
    struct place *p = *state;
    gives(p, "int", "7", "7");
    gives(p, "int", "\" -5 \"", "-5");
    refuses(p, "int", "101", "too_large");
    refuses(p, "int", "-6", "too_small");
    refuses(p, "int", "1.5", "not_a_number");
    refuses(p, "int", "\"x\"", "not_a_number");
    gives(p, "decimal", "12.5", "\"12.500\"");
    gives(p, "decimal", "\"0.001\"", "\"0.001\"");
    gives(p, "decimal", "900719925474099.993", "\"900719925474099.993\"");
    refuses(p, "decimal", "0.0001", "not_a_decimal");
    gives(p, "percent", "\"12.5 %\"", "\"12.50\"");
    refuses(p, "percent", "100.01", "too_large");
    gives(p, "rating", "5", "5");
    refuses(p, "rating", "6", "too_large");
    gives(p, "duration", "\"1:30\"", "5400");
    gives(p, "duration", "\"0:00:09\"", "9");
    refuses(p, "duration", "\"1:75\"", "not_a_number");
}

static void test_field__money_keeps_its_currency(void **state)
{
    struct place *p = *state;
    struct value v[4];
    gives(p, "money", "\"1234.5\"", "{\"amount\":\"1234.50\",\"currency\":\"CNY\"}");
    gives(p, "money", "{\"minor\":5,\"currency\":\"CNY\"}",
          "{\"amount\":\"0.05\",\"currency\":\"CNY\"}");
    gives(p, "money", "{\"amount\":\"100\",\"currency\":\"JPY\"}",
          "{\"amount\":\"100\",\"currency\":\"JPY\"}");
    gives_text(p, "money", "{\"amount\":1.5,\"currency\":\"USD\"}", "1.50 USD");
    refuses(p, "money", "\"1.234\"", "bad_money");
    refuses(p, "money", "{\"amount\":\"1.5\",\"currency\":\"JPY\"}", "bad_money");
    refuses(p, "money", "{\"amount\":\"1\",\"currency\":\"XXQ\"}", "bad_currency");
    refuses(p, "money", "{\"amount\":\"1\",\"minor\":100}", "bad_money");
    refuses(p, "money", "-1", "too_small");
    const struct field *money = place_field(p, "thing", "money");
    assert_int_equal(parse(p, money, "\"2.00\"", v), ERR_OK);
    assert_int_equal(v[2].integer, 200);
    assert_int_equal(v[3].integer, 1000000);
    assert_int_equal(
        parse(p, money, "{\"amount\":\"10\",\"currency\":\"USD\",\"rate\":\"7.1\"}", v), ERR_OK);
    assert_int_equal(v[2].integer, 7100);
    assert_int_equal(parse(p, money, "{\"amount\":\"10\",\"currency\":\"USD\"}", v), ERR_OK);
    assert_int_equal(v[2].type, VALUE_NULL);
}

static void test_field__days_and_times(void **state)
{
    struct place *p = *state;
    gives(p, "date", "\"2026-02-28\"", "\"2026-02-28\"");
    refuses(p, "date", "\"2026-02-30\"", "bad_date");
    refuses(p, "date", "20260228", "bad_date");
    gives(p, "datetime", "\"2026-01-02T03:04:05.678+08:00\"", "\"2026-01-01T19:04:05.678Z\"");
    gives(p, "datetime", "\"2026-01-02 09:30\"", "\"2026-01-02T01:30:00.000Z\"");
    gives(p, "datetime", "\"2026-01-02\"", "\"2026-01-01T16:00:00.000Z\"");
    refuses(p, "datetime", "\"2026-01-02 25:00\"", "bad_datetime");
    refuses(p, "datetime", "\"soon\"", "bad_datetime");
    gives(p, "bool", "\"是\"", "true");
    gives(p, "bool", "false", "false");
    refuses(p, "bool", "2", "not_a_bool");
}

static void test_field__choices(void **state)
{
    struct place *p = *state;
    gives(p, "enum", "\"a\"", "\"a\"");
    refuses(p, "enum", "\"z\"", "not_in_list");
    refuses(p, "enum", "\"old\"", "not_in_list");
    gives(p, "multienum", "[\"b\",\"a\"]", "[\"b\",\"a\"]");
    gives(p, "multienum", "\"a, b\"", "[\"a\",\"b\"]");
    refuses(p, "multienum", "[\"a\",\"c\"]", "not_in_list");
    gives(p, "dict", "\"pear\"", "\"pear\"");
    refuses(p, "dict", "\"stone\"", "not_in_list");
    gives(p, "tags", "\"a，b、 c ;a\"", "[\"a\",\"b\",\"c\"]");
    gives(p, "color", "\"#1A5\"", "\"#11aa55\"");
    refuses(p, "color", "\"red\"", "bad_color");
}

static void test_field__a_state_follows_its_flow(void **state)
{
    struct place *p = *state;
    const struct field *f = place_field(p, "thing", "state");
    const char *const *required = NULL;
    struct slice none = {NULL, 0};
    assert_true(field_state_allows(f, none, SLICE("new"), &required));
    assert_null(required);
    assert_false(field_state_allows(f, none, SLICE("shut"), NULL));
    assert_true(field_state_allows(f, SLICE("new"), SLICE("open"), NULL));
    assert_false(field_state_allows(f, SLICE("open"), SLICE("new"), NULL));
    assert_false(field_state_allows(f, SLICE("shut"), SLICE("open"), NULL));
    assert_true(field_state_allows(f, SLICE("new"), SLICE("shut"), &required));
    assert_string_equal(required[0], "name");
    assert_string_equal(required[1], "long");
    assert_null(required[2]);
    assert_true(field_state_allows(f, SLICE("open"), SLICE("shut"), &required));
    assert_string_equal(required[0], "long");
}

static void test_field__phones(void **state)
{
    struct place *p = *state;
    gives(p, "phone", "\"138 0000-0001\"", "\"+8613800000001\"");
    gives(p, "phone", "13800000001", "\"+8613800000001\"");
    gives(p, "phone", "\"86 138 0000 0001\"", "\"+8613800000001\"");
    gives(p, "phone", "\"１３８０００００００１\"", "\"+8613800000001\"");
    gives(p, "phone", "\"(010) 6552-1234 转 801\"", "\"+861065521234;ext=801\"");
    gives(p, "phone", "\"0086-10-65521234\"", "\"+861065521234\"");
    gives(p, "phone", "\"+1 (415) 555-2671\"", "\"+14155552671\"");
    gives(p, "phone", "\"400-800-8888\"", "\"+864008008888\"");
    gives(p, "phone", "\"95588\"", "\"95588\"");
    refuses(p, "phone", "\"abc\"", "bad_phone");
    refuses(p, "phone", "\"12\"", "bad_phone");
    refuses(p, "phone", "\"+12345678901234567\"", "bad_phone");
    gives(p, "phones", "[\"13800000001\",\"+86 138 0000 0001\"]", "[\"+8613800000001\"]");
    gives(p, "phones", "\"13800000001；13900000002\"", "[\"+8613800000001\",\"+8613900000002\"]");
    refuses(p, "phones", "[\"13800000001\",\"no\"]", "bad_phone");
    assert_string_equal(p->ctx.err.first->field, "phones[1]");
}

static void test_field__emails_and_urls(void **state)
{
    struct place *p = *state;
    gives(p, "email", "\" Li.Na@Example.COM \"", "\"Li.Na@example.com\"");
    refuses(p, "email", "\"li@na\"", "bad_email");
    refuses(p, "email", "\"a b@c.cn\"", "bad_email");
    refuses(p, "email", "\"a..b@c.cn\"", "bad_email");
    refuses(p, "email", "\"a@-c.cn\"", "bad_email");
    refuses(p, "email", "\"a@b@c.cn\"", "bad_email");
    gives(p, "emails", "\"a@b.cn, c@d.cn\"", "[\"a@b.cn\",\"c@d.cn\"]");
    gives(p, "url", "\"HTTPS://a.cn/x\"", "\"https://a.cn/x\"");
    gives(p, "url", "\"www.a.cn\"", "\"https://www.a.cn\"");
    refuses(p, "url", "\"javascript:alert(1)\"", "bad_url");
    refuses(p, "url", "\"ftp://a.cn\"", "bad_url");
    refuses(p, "url", "\"https://u:p@a.cn\"", "bad_url");
    refuses(p, "url", "\"https://\"", "bad_url");
    refuses(p, "url", "\"a.cn/\\\"onload=1\"", "bad_url");
}

static void test_field__references(void **state)
{
    struct place *p = *state;
    gives(p, "ref", "\"000000000000A\"", "\"000000000000A\"");
    gives(p, "ref", "{\"id\":\"000000000000A\",\"name\":\"x\"}", "\"000000000000A\"");
    gives(p, "ref", "\"\"", "null");
    refuses(p, "ref", "\"A\"", "bad_ref");
    refuses(p, "ref", "7", "bad_ref");
    gives(p, "refs", "[\"000000000000A\",\"000000000000B\"]",
          "[\"000000000000A\",\"000000000000B\"]");
    gives(p, "ref_any", "{\"entity\":\"thing\",\"id\":\"000000000000A\"}",
          "{\"entity\":\"thing\",\"id\":\"000000000000A\"}");
    refuses(p, "ref_any", "{\"entity\":\"user\",\"id\":\"000000000000A\"}", "bad_ref");
    gives(p, "user", "\"000000000000A\"", "\"000000000000A\"");
    gives(p, "crew", "\"000000000000A\"", "\"000000000000A\"");
    gives(p, "file", "\"000000000000A\"", "\"000000000000A\"");
    gives(p, "image", "\"000000000000A\"", "\"000000000000A\"");
    gives(p, "files", "[\"000000000000A\"]", "[\"000000000000A\"]");
}

static void test_field__places_and_documents(void **state)
{
    struct place *p = *state;
    gives(p, "address", "\"上海市 南京路 1 号\"", "{\"text\":\"上海市 南京路 1 号\"}");
    gives(p, "address", "{\"street\":\"b\",\"city\":\"a\"}", "{\"city\":\"a\",\"street\":\"b\"}");
    gives_text(p, "address", "{\"street\":\"b\",\"city\":\"a\"}", "a b");
    refuses(p, "address", "{\"planet\":\"x\"}", "unknown_field");
    gives(p, "geo", "{\"lat\":31.2304,\"lng\":-121}", "{\"lat\":31.2304000,\"lng\":-121.0000000}");
    refuses(p, "geo", "{\"lat\":91,\"lng\":0}", "bad_geo");
    gives(p, "json", "{\"a\":[1,null]}", "{\"a\":[1,null]}");
}

static void test_field__numbers_run(void **state)
{
    struct place *p = *state;
    const struct field *f = place_field(p, "thing", "number");
    assert_string_equal(field_number_text(f, p->arena, 42, 20484), "N-202601-0042");
    assert_string_equal(field_number_counter(f, p->arena, 20484),
                        arena_printf(p->arena, "number.%d.2026-01", f->n));
    assert_true(f->type->is_derived);
}

static void test_field__derived_types_have_a_result(void **state)
{
    struct place *p = *state;
    const char *const *deps = NULL;
    gives(p, "computed", "1.5", "\"1.5\"");
    assert_string_equal(field_computed_fn(place_field(p, "thing", "computed"), &deps), "m.f");
    assert_string_equal(deps[0], "int");
    const struct field *rollup = place_field(p, "thing", "rollup");
    assert_int_equal(rollup->scale, 3);
    assert_int_equal(field_rollup_of(rollup)->op, MEASURE_SUM);
    assert_string_equal(field_lookup_path(place_field(p, "thing", "lookup")), "ref.enum");
}

static void test_field__whole_values(void **state)
{
    struct place *p = *state;
    const struct entity *thing = place_entity(p, "thing");
    const struct field *money = place_field(p, "thing", "money");
    struct value *a = arena_array(p->arena, struct value, (size_t)thing->slots);
    struct value *b = arena_array(p->arena, struct value, (size_t)thing->slots);
    struct buf out = BUF_INIT;
    assert_true(field_is_empty(money, a));
    assert_true(field_equal(money, a, b));
    assert_int_equal(parse(p, money, "\"1\"", a + money->slot), ERR_OK);
    assert_false(field_equal(money, a, b));
    field_put(money, b, &out);
    assert_string_equal(buf_cstr(&out), "null");
    buf_clear(&out);
    field_put_text(money, a, &out);
    assert_string_equal(buf_cstr(&out), "1.00 CNY");
    buf_release(&out);
    assert_true(field_is_empty(place_field(p, "thing", "lookup"), a));
}

static void test_field__every_type_is_found_and_complete(void **state)
{
    int count;
    const struct field_type *const *types = field_types(&count);
    (void)state;
    assert_true(count >= 36);
    for (int i = 0; i < count; i++) {
        assert_ptr_equal(field_type_find(slice_str(types[i]->name)), types[i]);
        bool is_template = types[i]->is_derived && !types[i]->parse;
        if (!is_template)
            assert_true(types[i]->parse && types[i]->put && types[i]->operand && types[i]->columns);
    }
    assert_null(field_type_find(SLICE("nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field__texts),
        cmocka_unit_test(test_field__richtext_cannot_run),
        cmocka_unit_test(test_field__richtext_is_what_the_editor_writes),
        cmocka_unit_test(test_field__numbers_are_exact),
        cmocka_unit_test(test_field__money_keeps_its_currency),
        cmocka_unit_test(test_field__days_and_times),
        cmocka_unit_test(test_field__choices),
        cmocka_unit_test(test_field__a_state_follows_its_flow),
        cmocka_unit_test(test_field__phones),
        cmocka_unit_test(test_field__emails_and_urls),
        cmocka_unit_test(test_field__references),
        cmocka_unit_test(test_field__places_and_documents),
        cmocka_unit_test(test_field__numbers_run),
        cmocka_unit_test(test_field__derived_types_have_a_result),
        cmocka_unit_test(test_field__whole_values),
        cmocka_unit_test(test_field__every_type_is_found_and_complete),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
