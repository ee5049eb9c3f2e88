/* test_token - every way a person may search finds the record.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/token.h"

#include <stdio.h>

struct found {
    struct arena *arena;
    struct map tokens;
    int count;
};

static void found_add(void *arg, struct slice token)
{
    struct found *found = arg;

    assert_true(token.len <= TOKEN_TOKEN_BYTES);
    for (size_t i = 0; i < token.len; i++)
        assert_non_null(strchr("0123456789abcdefghijklmnopqrstuvwxyz", token.at[i]));
    /* Each token comes once. */
    assert_null(map_put(&found->tokens, arena_slice(found->arena, token), found));
    found->count++;
}

/* Does the query find the value? As the store does it: all tokens, then the contains check. */
static bool finds(enum token_kind kind, const char *value, const char *typed)
{
    struct arena *arena = arena_new();
    struct found found = {.arena = arena};
    struct token_query query;
    struct buf folded = BUF_INIT;

    map_init(&found.tokens, arena);
    token_make(kind, slice_str(value), found_add, &found);
    token_query_make(arena, slice_str(typed), &query);
    bool hit = query.count > 0;
    for (int i = 0; i < query.count; i++)
        hit = hit && map_get(&found.tokens, query.all[i]);
    text_fold(&folded, slice_str(value));
    if (hit && query.recheck)
        hit = slice_find(buf_slice(&folded), query.folded) >= 0;
    buf_release(&folded);
    arena_free(arena);
    return hit;
}

static void all_find(enum token_kind kind, const char *value, const char *const *typed)
{
    for (; *typed; typed++) {
        if (!finds(kind, value, *typed))
            fail_msg("%s is not found by %s", value, *typed);
    }
}

static void none_find(enum token_kind kind, const char *value, const char *const *typed)
{
    for (; *typed; typed++) {
        if (finds(kind, value, *typed))
            fail_msg("%s is found by %s", value, *typed);
    }
}

#define LIST(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void test_token__a_chinese_name_is_found_in_every_way(void **state)
{
    (void)state;
    all_find(TOKEN_TEXT, "张伟",
             LIST("张", "伟", "张伟", "zhangwei", "zhang", "zw", "wei", "zhangw", "zh", "ZhangWei",
                  "zhang wei", "ZW", " 张伟 ", "ｚｈａｎｇ"));
    all_find(
        TOKEN_TEXT, "欧阳振华",
        LIST("欧阳", "振华", "欧阳振华", "阳振华", "ouyang", "ouyangzhenhua", "oyzh", "zhenhua"));
    none_find(TOKEN_TEXT, "张伟", LIST("李", "伟张", "zhangli", "wz", "张三", "lw", "", " ", "，"));
}

/* Is the value just that, as far as what was typed can tell? */
static bool is_whole(enum token_kind kind, const char *value, const char *typed)
{
    struct arena *arena = arena_new();
    struct found found = {.arena = arena};
    struct token_query query;

    map_init(&found.tokens, arena);
    token_make(kind, slice_str(value), found_add, &found);
    bool asks = token_query_whole(arena, slice_str(typed), &query);
    assert_int_equal(query.count, asks);
    bool hit = asks && map_get(&found.tokens, query.all[0]);
    arena_free(arena);
    return hit;
}

static void test_token__the_whole_of_a_value_is_asked_for_apart(void **state)
{
    static const char *const whole[] = {"zw", "ZW", " zw ", "张伟", "zhangwei"};
    static const char *const others[] = {"张伟明", "赵文博", "张伟 经理", "老张伟", "Zw 张伟"};
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        assert_true(is_whole(TOKEN_TEXT, "张伟", whole[i]));
        for (size_t k = 0; k < sizeof others / sizeof *others; k++)
            assert_false(is_whole(TOKEN_TEXT, others[k], whole[i]));
    }
    assert_true(is_whole(TOKEN_TEXT, "张伟明", "zwm"));
    assert_true(is_whole(TOKEN_TEXT, "重庆", "cq") && is_whole(TOKEN_TEXT, "重庆", "zq"));
    assert_false(is_whole(TOKEN_TEXT, "张伟", "z") || is_whole(TOKEN_TEXT, "张伟", "张"));
    assert_false(is_whole(TOKEN_TEXT, "张伟", "zw bj") || is_whole(TOKEN_TEXT, "张伟", ""));
    assert_true(is_whole(TOKEN_PHONE, "138 0000-1234", "1234"));
    assert_true(is_whole(TOKEN_PHONE, "+86 138 0000 1234", "1234"));
    assert_false(is_whole(TOKEN_PHONE, "13812340000", "1234"));
    assert_false(is_whole(TOKEN_PHONE, "13800001234", "234"));
    /* TOKEN_SPELL_CHARS: as long as a name may be, and one beyond. */
    assert_true(is_whole(TOKEN_TEXT, "一一一一一一一一一一一一", "yyyyyyyyyyyy"));
    assert_false(is_whole(TOKEN_TEXT, "一一一一一一一一一一一一一", "yyyyyyyyyyyy"));
    assert_false(is_whole(TOKEN_TEXT, "一一一一一一一一一一一一一", "yyyyyyyyyyyyy"));
}

static void test_token__three_characters_must_stand_side_by_side(void **state)
{
    (void)state;
    /* 上海, 海上: all pairs of 上海上 occur, the text does not. */
    none_find(TOKEN_TEXT, "海上明月 上海", LIST("上海上"));
    all_find(TOKEN_TEXT, "上海市浦东新区",
             LIST("浦东新", "上海市浦东新区", "上海 浦东", "浦东 上海"));
}

static void test_token__every_reading_finds_the_character(void **state)
{
    (void)state;
    all_find(TOKEN_TEXT, "重庆", LIST("chongqing", "zhongqing", "cq", "zq"));
    all_find(TOKEN_TEXT, "单雄", LIST("shanxiong", "danxiong", "sx", "chanx"));
    all_find(TOKEN_TEXT, "仇英", LIST("qiuying", "qy", "chouying"));
    all_find(TOKEN_TEXT, "曾志伟", LIST("zengzhiwei", "zzw", "cengzhiwei", "czw"));
    all_find(TOKEN_TEXT, "解缙", LIST("xiejin", "jiejin", "xj", "jj"));
    all_find(TOKEN_TEXT, "乐毅", LIST("yueyi", "leyi", "yy", "ly"));
    all_find(TOKEN_TEXT, "员半千", LIST("yunbanqian"));
    all_find(TOKEN_TEXT, "尉迟恭", LIST("yuchigong", "weichi", "ycg"));
    all_find(TOKEN_TEXT, "万俟卨", LIST("moqi", "wanqi"));
    all_find(TOKEN_TEXT, "吕布", LIST("lvbu", "lubu", "lb"));
    all_find(TOKEN_TEXT, "〇一", LIST("lingyi"));
    all_find(TOKEN_TEXT, "重重", LIST("chongchong", "zhongzhong", "chongzhong", "zhongchong"));
}

static void test_token__a_long_company_name_is_found_by_its_front_in_pinyin(void **state)
{
    (void)state;
    all_find(TOKEN_TEXT, "武汉中科金融服务有限责任公司",
             LIST("武汉", "中科金融", "有限责任", "责任公司", "公司",
                  "武汉中科金融服务有限责任公司", "wuhan", "wuhanzhongke", "zhongke",
                  "zhongkejinro", "zhongkejinrong", "jinrong", "fuwu", "wh", "whzk", "zkjr",
                  "zkjrfw", "whzkjrfwyx", "whzkjrfwyxzr"));
    none_find(TOKEN_TEXT, "武汉中科金融服务有限责任公司", LIST("gongsi", "yxgs", "zrgs"));
}

static void test_token__words_are_found_by_prefix(void **state)
{
    (void)state;
    all_find(TOKEN_TEXT, "Perigee Internationalization GmbH",
             LIST("pe", "perig", "perigee", "INTERNAT", "internationalization", "gmbh perigee"));
    none_find(TOKEN_TEXT, "Perigee", LIST("erigee", "perigees", "p"));
    all_find(TOKEN_TEXT, "Müller Straße", LIST("muller", "müll", "strasse"));
    all_find(TOKEN_TEXT, "腾讯QQ企业版A100-X", LIST("qq", "a100", "a1", "x", "a100-x", "企业"));
    all_find(TOKEN_TEXT, "Иван Петров", LIST("иван", "ПЕТ", "петров"));
    all_find(TOKEN_TEXT, "ソニー株式会社 한국", LIST("ソニー", "株", "한국"));
    all_find(TOKEN_TEXT, "合同 2024-01-15 金额 20000", LIST("2024", "2024-01-15", "20000", "01"));
}

static void test_token__phones_are_found_by_their_ends_and_any_four_digits(void **state)
{
    (void)state;
    all_find(TOKEN_PHONE, "+86 138-1234-5678",
             LIST("5678", "678", "78", "138", "13812345678", "+8613812345678", "008613812345678",
                  "138 1234 5678", "1381234", "2345", "(138) 1234.5678", "１３８"));
    all_find(TOKEN_PHONE, "13812345678", LIST("+86 138 1234 5678", "86-13812345678"));
    all_find(TOKEN_PHONE, "400-820-8820", LIST("400-820-8820", "4008208820", "8820"));
    all_find(TOKEN_PHONE, "021-55551234 / 13900001111", LIST("1111", "139", "5555", "1234"));
    none_find(TOKEN_PHONE, "13812345678", LIST("5679", "8765", "13812345679", "999"));
}

static void test_token__emails_are_found_by_their_parts(void **state)
{
    (void)state;
    all_find(TOKEN_EMAIL, "Wei.Zhang1985@Example.com",
             LIST("wei.zhang1985@example.com", "wei", "zhang", "exam", "example.com", "1985",
                  "hang", "mple", "@example"));
    none_find(TOKEN_EMAIL, "wei@example.com", LIST("li@example.com", "example.org"));
}

static void test_token__exact_values_are_found_whole(void **state)
{
    (void)state;
    all_find(TOKEN_EXACT, "SO-2024-0001", LIST("SO-2024-0001", "so-2024-0001"));
    none_find(TOKEN_EXACT, "Sonderposten", LIST("so", "sonder"));
}

static void test_token__a_value_gives_at_most_so_many(void **state)
{
    struct arena *arena = arena_new();
    struct found found = {.arena = arena};
    struct buf text = BUF_INIT;

    (void)state;
    map_init(&found.tokens, arena);
    for (uint32_t c = 0x4e00; c < 0x4e00 + TOKENS_PER_FIELD_MAX; c++)
        text_put(&text, c);
    token_make(TOKEN_TEXT, buf_slice(&text), found_add, &found);
    assert_int_equal(found.count, TOKENS_PER_FIELD_MAX);
    buf_release(&text);
    arena_free(arena);
}

static void test_token__a_long_query_is_cut_and_rechecked(void **state)
{
    struct arena *arena = arena_new();
    struct buf text = BUF_INIT;
    struct token_query query;

    (void)state;
    for (uint32_t c = 0; c <= TOKEN_QUERY_MAX + 1; c++)
        text_put(&text, 0x4e00 + c);
    token_query_make(arena, buf_slice(&text), &query);
    assert_int_equal(query.count, TOKEN_QUERY_MAX);
    assert_true(query.recheck);
    assert_true(slice_eq(query.folded, buf_slice(&text)));
    token_query_make(arena, SLICE("张"), &query);
    assert_int_equal(query.count, 1);
    assert_false(query.recheck);
    token_query_make(arena, SLICE("张伟"), &query);
    assert_int_equal(query.count, 1);
    assert_false(query.recheck);
    token_query_make(arena, SLICE("  "), &query);
    assert_int_equal(query.count, 0);
    buf_release(&text);
    arena_free(arena);
}

/* --- Bounds: what just counts, and one more --- */

/* `count` times the one text, then the other. */
static const char *line_of(struct arena *arena, int count, const char *one, const char *last)
{
    struct buf text = BUF_INIT;

    for (int i = 0; i < count; i++)
        buf_put_str(&text, one);
    buf_put_str(&text, last);
    const char *line = arena_str(arena, buf_slice(&text));
    buf_release(&text);
    return line;
}

/* The `last` text behind `count` others is found by `typed`, and behind one more it is not. */
static void reaches(enum token_kind kind, int count, const char *one, const char *last,
                    const char *typed)
{
    struct arena *arena = arena_new();

    if (!finds(kind, line_of(arena, count, one, last), typed))
        fail_msg("%s behind %d x %s is not found by %s", last, count, one, typed);
    if (finds(kind, line_of(arena, count + 1, one, last), typed))
        fail_msg("%s behind %d x %s is found by %s", last, count + 1, one, typed);
    arena_free(arena);
}

static void test_token__so_many_letters_of_a_word_count(void **state)
{
    static const char word[] = "abcdefghijklmnop";
    char other[sizeof word];

    (void)state;
    assert_true(TOKEN_WORD_MAX + 1 < sizeof word);
    for (int at = TOKEN_WORD_MAX - 1; at <= TOKEN_WORD_MAX; at++) {
        memcpy(other, word, sizeof word);
        other[at] = 'z';
        assert_int_equal(finds(TOKEN_TEXT, word, other), at == TOKEN_WORD_MAX);
    }
    for (int len = TOKEN_PREFIX_MIN - 1; len <= TOKEN_PREFIX_MIN; len++) {
        snprintf(other, sizeof other, "%.*s", len, word);
        assert_int_equal(finds(TOKEN_TEXT, word, other), len == TOKEN_PREFIX_MIN);
    }
}

static void test_token__so_many_words_are_found_by_their_prefixes(void **state)
{
    (void)state;
    reaches(TOKEN_TEXT, TOKEN_PREFIX_WORDS - 1, "x ", "perigee", "peri");
    struct arena *arena = arena_new();
    assert_true(finds(TOKEN_TEXT, line_of(arena, TOKEN_PREFIX_WORDS, "x ", "perigee"), "perigee"));
    arena_free(arena);
}

static void test_token__digits_in_the_middle_are_found_by_so_many(void **state)
{
    static const char number[] = "9012345678";
    char typed[sizeof number];

    (void)state;
    for (int len = TOKEN_GRAM - 1; len <= TOKEN_GRAM; len++) {
        snprintf(typed, sizeof typed, "%.*s", len, number + 2);
        assert_int_equal(finds(TOKEN_TEXT, number, typed), len == TOKEN_GRAM);
    }
}

static void test_token__so_many_characters_are_spelled(void **state)
{
    (void)state;
    /* 一 is yi, 大 is da: initials from the front, syllables from the first characters on, and so
     * many characters of one value in all. */
    struct arena *arena = arena_new();
    const char *initials = line_of(arena, TOKEN_SPELL_CHARS - 1, "y", "d");
    assert_true(finds(TOKEN_TEXT, line_of(arena, TOKEN_SPELL_CHARS - 1, "一", "大"), initials));
    struct found found = {.arena = arena};
    map_init(&found.tokens, arena);
    token_make(TOKEN_TEXT, slice_str(line_of(arena, TOKEN_SPELL_CHARS, "一", "大")), found_add,
               &found);
    assert_null(map_get(&found.tokens, slice_str(arena_printf(arena, "w%s", initials))));
    arena_free(arena);
    reaches(TOKEN_TEXT, TOKEN_PINYIN_REACH - 1, "一", "大", "da");
    reaches(TOKEN_TEXT, TOKEN_PINYIN_CHARS - 1, "一 ", "大", "da");
}

struct ways {
    size_t chars;
    int count;
};

static void ways_count(void *arg, struct slice token)
{
    struct ways *ways = arg;
    bool fits = token.len == ways->chars + 1 && token.at[0] == 'w';

    for (size_t i = 1; i < token.len && fits; i++)
        fits = token.at[i] == 'c' || token.at[i] == 'z';
    ways->count += fits;
}

static void test_token__a_run_is_read_in_so_many_ways(void **state)
{
    (void)state;
    /* 重 is chong or zhong: three of them have as many ways as are kept, four have more. */
    assert_int_equal(TOKEN_READINGS_MAX, 8);
    struct ways three = {3, 0}, four = {4, 0};
    token_make(TOKEN_TEXT, SLICE("重重重"), ways_count, &three);
    assert_int_equal(three.count, TOKEN_READINGS_MAX);
    token_make(TOKEN_TEXT, SLICE("重重重重"), ways_count, &four);
    assert_int_equal(four.count, TOKEN_READINGS_MAX);
}

static void test_token__a_phone_number_has_so_many_digits(void **state)
{
    (void)state;
    reaches(TOKEN_PHONE, TOKEN_NUMBER_DIGITS - 4, "1", "2345", "2345");
    /* Typed in groups it is one number from so many digits on: before, the groups are words. */
    static const char typed[] = "123 45678";
    char part[sizeof typed];
    for (int digits = TOKEN_NUMBER_TYPED - 1; digits <= TOKEN_NUMBER_TYPED; digits++) {
        snprintf(part, sizeof part, "%.*s", digits + 1, typed);
        assert_int_equal(finds(TOKEN_PHONE, "991234567890", part), digits == TOKEN_NUMBER_TYPED);
    }
}

static void test_token__what_is_typed_beyond_is_not_read(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    for (int n = TOKEN_QUERY_CHARS - 1; n <= TOKEN_QUERY_CHARS; n++) {
        struct token_query query;
        token_query_make(arena, slice_str(line_of(arena, n, " ", "x")), &query);
        assert_int_equal(query.count, n < TOKEN_QUERY_CHARS);
    }
    arena_free(arena);
}

static void before(const char *a, const char *b, bool is_name)
{
    struct buf x = BUF_INIT, y = BUF_INIT;

    token_sort_key(&x, slice_str(a), is_name);
    token_sort_key(&y, slice_str(b), is_name);
    if (slice_cmp(buf_slice(&x), buf_slice(&y)) >= 0)
        fail_msg("%s (%s) is not before %s (%s)", a, buf_cstr(&x), b, buf_cstr(&y));
    buf_release(&x);
    buf_release(&y);
}

static void test_token__sort_keys_follow_pinyin(void **state)
{
    (void)state;
    before("安", "白", true);
    before("李四", "梁山", true);
    before("李四", "李伟", true);
    before("李", "李四", true);
    before("Alice", "bob", true);
    before("2", "a", true);
    before("单雄", "沈", true);  /* shan as a surname */
    before("单雄", "沈", false); /* dan otherwise */
    before("秦", "仇", true);
    before("仇", "秦", false);
    before("卫", "尉迟恭", true);
    before("尉迟恭", "袁", true);
}

static void test_token__the_surname_reading_is_the_one_sorted_by(void **state)
{
    static const char *const rows[][2] = {
        {"单", "shan 单"}, {"仇", "qiu 仇"}, {"曾", "zeng 曾"},       {"朴", "piao 朴"},
        {"翟", "zhai 翟"}, {"员", "yun 员"}, {"尉迟", "yu 尉chi 迟"}, {"长孙", "zhang 长sun 孙"},
        {"任", "ren 任"},  {"覃", "qin 覃"}, {"万俟", "mo 万qi 俟"},  {"A张", "azhang 张"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf key = BUF_INIT;
        token_sort_key(&key, slice_str(rows[i][0]), true);
        assert_string_equal(buf_cstr(&key), rows[i][1]);
        buf_release(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token__a_chinese_name_is_found_in_every_way),
        cmocka_unit_test(test_token__the_whole_of_a_value_is_asked_for_apart),
        cmocka_unit_test(test_token__three_characters_must_stand_side_by_side),
        cmocka_unit_test(test_token__every_reading_finds_the_character),
        cmocka_unit_test(test_token__a_long_company_name_is_found_by_its_front_in_pinyin),
        cmocka_unit_test(test_token__words_are_found_by_prefix),
        cmocka_unit_test(test_token__phones_are_found_by_their_ends_and_any_four_digits),
        cmocka_unit_test(test_token__emails_are_found_by_their_parts),
        cmocka_unit_test(test_token__exact_values_are_found_whole),
        cmocka_unit_test(test_token__a_value_gives_at_most_so_many),
        cmocka_unit_test(test_token__a_long_query_is_cut_and_rechecked),
        cmocka_unit_test(test_token__so_many_letters_of_a_word_count),
        cmocka_unit_test(test_token__so_many_words_are_found_by_their_prefixes),
        cmocka_unit_test(test_token__digits_in_the_middle_are_found_by_so_many),
        cmocka_unit_test(test_token__so_many_characters_are_spelled),
        cmocka_unit_test(test_token__a_run_is_read_in_so_many_ways),
        cmocka_unit_test(test_token__a_phone_number_has_so_many_digits),
        cmocka_unit_test(test_token__what_is_typed_beyond_is_not_read),
        cmocka_unit_test(test_token__sort_keys_follow_pinyin),
        cmocka_unit_test(test_token__the_surname_reading_is_the_one_sorted_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
