/* test_list - pages, single records, expansion, related, history, feed, export; two tenants.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <stdio.h>

#include "base/id.h"
#include "base/limits.h"
#include "record/exporter.h"
#include "record/feed.h"
#include "record/list.h"

#define READ_ALL "{\"name\":\"all\",\"grants\":{\"*\":{\"read\":\"all\",\"export\":true}}}"
#define READ_OWN "{\"name\":\"own\",\"grants\":{\"deal\":{\"read\":\"own\"}}}"

struct pair {
    struct fixture a, b; /* two tenants with records of the same shape */
};

static void fill(struct fixture *f, const char *marker)
{
    fixture_people(f);
    fixture_insert(f, f->account,
                   arena_printf(f->arena,
                                "{\"id\":\"000000000000A\",\"name\":\"%s-account\",\"credit\":5,"
                                "\"owner\":\"0000000000001\"}",
                                marker));
    for (int i = 0; i < 7; i++)
        fixture_insert(f, f->deal,
                       arena_printf(f->arena,
                                    "{\"id\":\"000000000001%d\",\"name\":\"%s %d\",\"score\":%d,"
                                    "\"owner\":\"000000000000%d\",\"account\":%s,"
                                    "\"cost\":\"%d.00\"}",
                                    i, marker, i, i / 2, 1 + i % 3,
                                    i < 2 ? "\"000000000000A\"" : "null", i));
}

static int setup(void **state)
{
    struct pair *pair = malloc(sizeof *pair);
    fixture_open(&pair->a);
    fixture_open(&pair->b);
    fill(&pair->a, "alpha");
    fill(&pair->b, "beta");
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    fixture_close(&pair->a);
    fixture_close(&pair->b);
    free(pair);
    return 0;
}

static const struct json *run(struct fixture *f, const char *body)
{
    struct list_query query;
    fixture_next(f);
    assert_int_equal(list_query_json(&f->ctx, f->deal, fixture_json(f, body), &query), ERR_OK);
    enum err e = list_run(&f->ctx, &query, &f->out);
    if (e)
        fail_msg("%s: %s %s", body, err_code(e), store_why(f->tenant.store));
    return fixture_json(f, fixture_out(f));
}

static enum err refused(struct fixture *f, const char *body)
{
    struct list_query query;
    fixture_next(f);
    enum err e = list_query_json(&f->ctx, f->deal, fixture_json(f, body), &query);
    if (!e)
        e = list_run(&f->ctx, &query, &f->out);
    assert_int_equal(f->out.len, 0); /* nothing is left behind */
    return e;
}

/* Last digits of the items' ids. */
static const char *digits(struct fixture *f, const struct json *page)
{
    struct buf text = BUF_INIT;
    json_each(item, json_get(page, "items"))
        buf_put_char(&text, json_str(item, "id", SLICE("?")).at[12]);
    const char *copy = arena_str(f->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

/* --- pages --- */

static void test_list__newest_come_first(void **state)
{
    struct pair *pair = *state;
    fixture_as(&pair->a, 1, READ_ALL, NULL);
    const struct json *page = run(&pair->a, "{}");
    assert_string_equal(digits(&pair->a, page), "6543210");
    assert_int_equal(json_get(page, "next")->type, JSON_NULL);
    assert_null(json_get(page, "count"));
}

static void test_list__pages_meet_without_gap_or_overlap(void **state)
{
    static const struct {
        const char *sort, *ids;
    } cases[] = {{"", "6543210"},
                 {"id", "0123456"},
                 {"score", "0123456"},
                 {"-score", "6543210"},
                 {"-score,id", "6452301"},
                 {"account,-id", "6543210"},
                 {"-account.name,id", "0123456"},
                 {"name", "0123456"},
                 {"owner.name,score,id", "0361425"}};
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    fixture_as(f, 1, READ_ALL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int limit = 1; limit <= 8; limit++) {
            char all[16] = "";
            const char *cursor = "null";
            do {
                const struct json *page =
                    run(f, arena_printf(f->arena, "{\"sort\":\"%s\",\"limit\":%d,\"cursor\":%s}",
                                        cases[i].sort, limit, cursor));
                strcat(all, digits(f, page));
                struct slice next = json_str(page, "next", SLICE(""));
                cursor = next.len ? arena_printf(f->arena, "\"%.*s\"", SLICE_ARG(next)) : NULL;
            } while (cursor && strlen(all) < 8);
            if (strcmp(all, cases[i].ids) != 0)
                fail_msg("sort %s, limit %d: %s", cases[i].sort, limit, all);
        }
    }
}

static void test_list__a_page_mark_fits_its_query_and_tenant_alone(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    fixture_as(f, 1, READ_ALL, NULL);
    fixture_as(&pair->b, 1, READ_ALL, NULL);
    const struct json *page = run(f, "{\"limit\":2,\"filter\":{\"score\":{\"gte\":0}}}");
    struct slice next = json_str(page, "next", SLICE(""));
    assert_true(next.len > 20);
    const char *same = arena_printf(
        f->arena, "{\"limit\":3,\"filter\":{\"score\":{\"gte\":0}},\"cursor\":\"%.*s\"}",
        SLICE_ARG(next));
    assert_string_equal(digits(f, run(f, same)), "432");
    assert_int_equal(refused(&pair->b, same), ERR_BAD_CURSOR);
    assert_int_equal(refused(f, arena_printf(f->arena,
                                             "{\"filter\":{\"score\":{\"gte\":1}},\"cursor\":"
                                             "\"%.*s\"}",
                                             SLICE_ARG(next))),
                     ERR_BAD_CURSOR);
    char *edited = arena_str(f->arena, next);
    edited[9] = edited[9] == 'A' ? 'B' : 'A';
    assert_int_equal(
        refused(f, arena_printf(f->arena, "{\"filter\":{\"score\":{\"gte\":0}},\"cursor\":\"%s\"}",
                                edited)),
        ERR_BAD_CURSOR);
}

static void test_list__counts_only_when_asked(void **state)
{
    struct pair *pair = *state;
    fixture_as(&pair->a, 1, READ_OWN, NULL);
    const struct json *page = run(&pair->a, "{\"count\":true,\"limit\":1}");
    assert_int_equal(json_int(page, "count", -1), 3);
    assert_false(json_bool(page, "count_capped", true));
}

static void test_list__another_tenant_is_never_seen(void **state)
{
    struct pair *pair = *state;
    fixture_as(&pair->a, 1, READ_ALL, NULL);
    struct list_query query = {.entity = pair->a.deal, .expand = SLICE("owner,account")};
    assert_int_equal(list_run(&pair->a.ctx, &query, &pair->a.out), ERR_OK);
    const char *text = fixture_out(&pair->a);
    assert_non_null(strstr(text, "alpha"));
    assert_null(strstr(text, "beta"));
}

static void test_list__deleted_ones_are_in_the_recycle_bin_alone(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    fixture_insert(f, f->deal,
                   "{\"id\":\"0000000000019\",\"name\":\"gone\",\"deleted_at\":1773000000000}");
    fixture_as(f, 1, READ_ALL, NULL);
    assert_string_equal(digits(f, run(f, "{}")), "6543210");
    const struct json *bin = run(f, "{\"deleted\":true}");
    assert_string_equal(digits(f, bin), "9");
    assert_int_equal(json_get(json_at(json_get(bin, "items"), 0), "deleted_at")->type, JSON_STRING);
    int64_t version;
    assert_int_equal(list_get(&f->ctx, f->deal, 41, SLICE(""), SLICE(""), &f->out, &version),
                     ERR_NOT_FOUND);
}

/* --- single records, fields --- */

static void test_list__a_record_that_is_not_yours_is_absent(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    int64_t version = 0;
    fixture_as(f, 1, READ_OWN, NULL);
    assert_int_equal(list_get(&f->ctx, f->deal, 32, SLICE("name"), SLICE(""), &f->out, &version),
                     ERR_OK);
    assert_int_equal(version, 1);
    assert_string_equal(fixture_out(f),
                        "{\"id\":\"0000000000010\",\"version\":1,\"name\":\"alpha 0\"}");
    assert_int_equal(list_get(&f->ctx, f->deal, 33, SLICE(""), SLICE(""), &f->out, &version),
                     ERR_NOT_FOUND);
    assert_int_equal(list_get(&f->ctx, f->deal, 99, SLICE(""), SLICE(""), &f->out, &version),
                     ERR_NOT_FOUND);
    assert_int_equal(f->out.len, 0);
}

static void test_list__a_reference_is_an_id_or_an_object(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    int64_t version;
    const char *role = "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\"},\"account\":"
                       "{\"read\":\"own\",\"fields\":{\"credit\":\"none\"}}}}";
    fixture_as(f, 1, role, NULL);
    assert_int_equal(list_get(&f->ctx, f->deal, 32, SLICE("account"), SLICE(""), &f->out, &version),
                     ERR_OK);
    assert_string_equal(fixture_out(f), "{\"id\":\"0000000000010\",\"version\":1,\"account\":"
                                        "\"000000000000A\"}");
    assert_int_equal(list_get(&f->ctx, f->deal, 32, SLICE("account,owner"), SLICE("account,owner"),
                              &f->out, &version),
                     ERR_OK);
    assert_string_equal(fixture_out(f),
                        "{\"id\":\"0000000000010\",\"version\":1,\"account\":{\"id\":"
                        "\"000000000000A\",\"name\":\"alpha-account\",\"industry\":null,\"title\":"
                        "\"alpha-account\"},\"owner\":null}");
    fixture_as(f, 2, role, NULL); /* whose account it is not */
    assert_int_equal(list_get(&f->ctx, f->deal, 32, SLICE("account,account.name"), SLICE("account"),
                              &f->out, &version),
                     ERR_OK);
    assert_string_equal(fixture_out(f), "{\"id\":\"0000000000010\",\"version\":1,\"account\":null,"
                                        "\"account.name\":null}");
    assert_int_equal(
        list_get(&f->ctx, f->deal, 32, SLICE("account.credit"), SLICE(""), &f->out, &version),
        ERR_FORBIDDEN);
}

static void test_list__bad_queries_name_what_is_wrong(void **state)
{
    static const struct {
        const char *body, *field, *code;
    } cases[] = {
        {"{\"limit\":0}", "limit", "out_of_range"},
        {"{\"limit\":201}", "limit", "out_of_range"},
        {"{\"limit\":\"5\"}", "limit", "not_a_number"},
        {"{\"nope\":1}", "nope", "unknown_field"},
        {"{\"sort\":\"nope\"}", "sort.nope", "unknown_field"},
        {"{\"sort\":\"tags\"}", "sort.tags", "not_sortable"},
        {"{\"sort\":\"name,score,cost,rate\"}", "sort", "too_many_values"},
        {"{\"fields\":\"nope\"}", "fields.nope", "unknown_field"},
        {"{\"expand\":\"name\"}", "expand.name", "not_a_reference"},
        {"{\"expand\":[\"nope\"]}", "expand.nope", "unknown_field"},
        {"{\"filter\":{\"nope\":1}}", "filter.nope", "unknown_field"},
        {"{\"count\":1}", "count", "not_true"},
    };
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    fixture_as(f, 1, READ_ALL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(refused(f, cases[i].body), ERR_VALIDATION);
        assert_string_equal(f->ctx.err.first->field, cases[i].field);
        assert_string_equal(f->ctx.err.first->code, cases[i].code);
    }
}

static void test_list__parameters_become_a_query(void **state)
{
    static const char *const params[][2] = {{"score[gte]", "1"}, {"score[lt]", "3"},
                                            {"sort", "id"},      {"limit", "3"},
                                            {"count", "true"},   {"filter", "{\"vip\":null}"}};
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    struct list_query query = {.entity = f->deal};
    fixture_as(f, 1, READ_ALL, NULL);
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        assert_int_equal(
            list_query_param(&f->ctx, &query, slice_str(params[i][0]), slice_str(params[i][1])),
            ERR_OK);
    assert_int_equal(list_run(&f->ctx, &query, &f->out), ERR_OK);
    const struct json *page = fixture_json(f, fixture_out(f));
    assert_string_equal(digits(f, page), "234");
    assert_int_equal(json_int(page, "count", -1), 4);
    assert_int_equal(list_query_param(&f->ctx, &query, SLICE("limit"), SLICE("9")), ERR_VALIDATION);
}

/* --- around a record --- */

static void log_of(struct fixture *f, const struct entity *entity, int64_t seq, int64_t record,
                   const char *diff)
{
    struct store_set sets[] = {
        {.column = "seq", .value = value_int(seq)},
        {.column = "at", .value = value_int(FIXTURE_NOW)},
        {.column = "actor", .value = value_int(1)},
        {.column = "entity", .value = value_int(entity->n)},
        {.column = "record", .value = value_int(record)},
        {.column = "version", .value = value_int(seq)},
        {.column = "op", .value = value_text(SLICE("update"))},
        {.column = "diff", .value = value_text(slice_str(diff))},
        {.column = "source", .value = value_text(SLICE("api"))},
    };
    assert_int_equal(store_insert(f->tenant.store, "change", sets, 9, NULL), ERR_OK);
}

static void log_change(struct fixture *f, int64_t seq, int64_t record, const char *diff)
{
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    log_of(f, f->deal, seq, record, diff);
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
}

static void test_list__history_names_fields_and_leaves_out_hidden_ones(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    struct list_query page = {.entity = f->deal, .limit = 1};
    log_change(f, 1, 32, "{\"1\":[null,\"alpha 0\"],\"14\":[null,\"0.00\"]}");
    log_change(f, 2, 32, "{\"4\":[0,7],\"999\":[1,2],\"-7\":[null,\"0000000000001\"]}");
    log_change(f, 3, 33, "{\"4\":[0,1]}");
    fixture_as(f, 1,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"own\",\"fields\":{\"cost\":"
               "\"none\"}}}}",
               NULL);
    assert_int_equal(list_history(&f->ctx, f->deal, 32, &page, &f->out), ERR_OK);
    const struct json *out = fixture_json(f, fixture_out(f));
    const struct json *changes = json_get(json_at(json_get(out, "items"), 0), "changes");
    assert_int_equal(changes->count, 2);
    assert_true(slice_is(json_str(json_at(changes, 0), "field", SLICE("")), "score"));
    assert_int_equal(json_int(json_at(changes, 0), "new", -1), 7);
    assert_true(slice_is(json_str(json_at(changes, 1), "field", SLICE("")), "owner"));
    page.cursor = json_str(out, "next", SLICE(""));
    assert_true(page.cursor.len > 0);
    assert_int_equal(list_history(&f->ctx, f->deal, 32, &page, &f->out), ERR_OK);
    out = fixture_json(f, fixture_out(f));
    changes = json_get(json_at(json_get(out, "items"), 0), "changes");
    assert_int_equal(changes->count, 1); /* cost is hidden */
    assert_int_equal(json_get(out, "next")->type, JSON_NULL);
    assert_int_equal(list_history(&f->ctx, f->deal, 33, &page, &f->out), ERR_NOT_FOUND);
}

static void test_list__the_feed_holds_what_may_be_seen_now(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    for (int i = 0; i < 6; i++)
        log_change(f, i + 1, 32 + i, "{}");
    fixture_as(f, 1, READ_OWN, NULL);
    assert_int_equal(feed_list(&f->ctx, &(struct feed_walk){1, 4, NULL}, &f->out), ERR_OK);
    assert_string_equal(fixture_out(f),
                        "{\"items\":[{\"seq\":4,\"at\":\"2026-03-11T02:00:00.000Z\",\"entity\":"
                        "\"deal\",\"id\":\"0000000000013\",\"op\":\"update\",\"version\":4}],"
                        "\"next\":5,\"newest\":6}");
    fixture_as(f, 1, NULL);
    assert_int_equal(feed_list(&f->ctx, &(struct feed_walk){0, 100, NULL}, &f->out), ERR_OK);
    assert_string_equal(fixture_out(f), "{\"items\":[],\"next\":6,\"newest\":6}");
}

static void test_list__the_feed_of_one_entity_walks_past_the_others(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    log_change(f, 1, 32, "{}");
    log_change(f, 2, 33, "{}");
    fixture_as(f, 1, READ_ALL, NULL);
    const struct {
        struct feed_walk walk;
        int items, next;
    } rows[] = {
        {{0, 1, f->deal}, 1, 1},
        {{0, 10, f->deal}, 2, 2},
        {{0, 10, f->account}, 0, 2},
        {{2, 10, f->deal}, 0, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_clear(&f->out);
        assert_int_equal(feed_list(&f->ctx, &rows[i].walk, &f->out), ERR_OK);
        const struct json *answer = fixture_json(f, fixture_out(f));
        assert_int_equal(json_get(answer, "items")->count, rows[i].items);
        assert_int_equal(json_int(answer, "next", 0), rows[i].next);
        assert_int_equal(json_int(answer, "newest", 0), 2);
    }
}

static void test_list__related_asks_both_sides(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    struct list_query page = {.limit = 10, .fields = SLICE("id"), .sort = SLICE("id")};
    fixture_as(f, 1, READ_ALL, NULL);
    assert_int_equal(list_related(&f->ctx, f->account, 10, SLICE("deal"), &page, &f->out), ERR_OK);
    assert_string_equal(digits(f, fixture_json(f, fixture_out(f))), "01");
    page = (struct list_query){.limit = 10};
    assert_int_equal(list_related(&f->ctx, f->account, 10, SLICE("nope"), &page, &f->out),
                     ERR_NOT_FOUND);
    fixture_as(f, 1, READ_OWN, NULL);
    assert_int_equal(list_related(&f->ctx, f->account, 10, SLICE("deal"), &page, &f->out),
                     ERR_FORBIDDEN);
}

/* --- export --- */

static enum err take_chunk(void *arg, struct slice chunk)
{
    buf_put_slice(arg, chunk);
    return ERR_OK;
}

static void test_list__export_needs_its_right_and_defuses_cells(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    struct list_query query = {
        .entity = f->deal, .fields = SLICE("name,score"), .sort = SLICE("id")};
    int64_t rows;
    fixture_insert(f, f->deal, "{\"id\":\"0000000000019\",\"name\":\"=1+1\",\"owner\":null}");
    fixture_as(f, 1, READ_ALL, NULL);
    assert_int_equal(exporter_run(&f->ctx, &query, EXPORT_CSV, take_chunk, &f->out, &rows), ERR_OK);
    assert_int_equal(rows, 8);
    const char *text = fixture_out(f);
    assert_non_null(strstr(text, "id,version,name,score"));
    assert_non_null(strstr(text, "0000000000010,1,alpha 0,0"));
    assert_non_null(strstr(text, "'=1+1"));
    fixture_as(f, 1, READ_OWN, NULL);
    assert_int_equal(exporter_run(&f->ctx, &query, EXPORT_CSV, take_chunk, &f->out, &rows),
                     ERR_FORBIDDEN);
    fixture_as(f, 1, "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\",\"export\":\"own\"}}}",
               NULL);
    assert_int_equal(exporter_run(&f->ctx, &query, EXPORT_JSON, take_chunk, &f->out, &rows),
                     ERR_OK);
    assert_int_equal(rows, 3);
}

static void test_list__export_walks_over_many_pages(void **state)
{
    struct pair *pair = *state;
    struct fixture *f = &pair->a;
    struct list_query query = {.entity = f->deal, .fields = SLICE("name"), .sort = SLICE("score")};
    int64_t rows;
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    for (int i = 0; i < 1100; i++)
        fixture_insert(f, f->deal, "{\"name\":\"many\"}");
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    fixture_as(f, 1, READ_ALL, NULL);
    assert_int_equal(exporter_run(&f->ctx, &query, EXPORT_JSON, take_chunk, &f->out, &rows),
                     ERR_OK);
    assert_int_equal(rows, 1107);
}

/* --- limits --- */

static const char *expands(struct fixture *f, int count)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, "{\"expand\":\"account");
    for (int i = 1; i < count; i++)
        buf_put_str(&b, ",account");
    buf_put_str(&b, "\"}");
    const char *body = arena_str(f->arena, buf_slice(&b));
    buf_release(&b);
    return body;
}

static void test_list__so_many_references_are_expanded_and_no_more(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    fixture_as(f, 1, READ_ALL, NULL);
    assert_int_equal(json_get(run(f, expands(f, EXPANDS_MAX)), "items")->count, 7);
    assert_int_equal(refused(f, expands(f, EXPANDS_MAX + 1)), ERR_VALIDATION);
    assert_string_equal(f->ctx.err.first->code, "too_many_values");
}

static void insert_bare(struct fixture *f, int count)
{
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    for (int i = 0; i < count; i++) {
        const struct store_set sets[] = {
            {"id", value_int(id_next()), false},
            {"version", value_int(1), false},
            {"created_at", value_int(FIXTURE_NOW), false},
            {"updated_at", value_int(FIXTURE_NOW), false},
        };
        assert_int_equal(store_insert(f->tenant.store, f->deal->table, sets, 4, NULL), ERR_OK);
    }
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
}

static void test_list__so_many_rows_are_sorted_without_an_index_and_no_more(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    fixture_as(f, 1, READ_ALL, NULL);
    insert_bare(f, UNINDEXED_SORT_ROWS_MAX - 7);
    assert_int_equal(json_get(run(f, "{\"sort\":\"rate\",\"limit\":1}"), "items")->count, 1);
    insert_bare(f, 1);
    assert_int_equal(refused(f, "{\"sort\":\"rate\",\"limit\":1}"), ERR_VALIDATION);
    assert_string_equal(f->ctx.err.first->code, "unindexed_sort");
    /* Fewer of them are sorted, and what needs no sorting is listed. */
    assert_int_equal(
        json_get(run(f, "{\"sort\":\"rate\",\"filter\":{\"score\":1}}"), "items")->count, 2);
    assert_int_equal(json_get(run(f, "{\"limit\":1}"), "items")->count, 1);
}

static void test_list__a_page_has_so_many_rows(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    fixture_as(f, 1, READ_ALL, NULL);
    insert_bare(f, LIST_MAX);
    assert_int_equal(json_get(run(f, "{}"), "items")->count, LIST_DEFAULT);
    const char *body = arena_printf(f->arena, "{\"limit\":%d}", LIST_MAX);
    assert_int_equal(json_get(run(f, body), "items")->count, LIST_MAX);
    body = arena_printf(f->arena, "{\"limit\":%d}", LIST_MAX + 1);
    assert_int_equal(refused(f, body), ERR_VALIDATION);
    assert_string_equal(f->ctx.err.first->field, "limit");
    assert_int_equal(refused(f, "{\"limit\":0}"), ERR_VALIDATION);
}

static void test_list__the_feed_gives_so_many_at_once(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    fixture_as(f, 1, READ_ALL, NULL);
    for (int i = 1; i <= CHANGES_MAX + 1; i++)
        log_change(f, i, 32, "{}");
    for (int limit = CHANGES_MAX; limit <= CHANGES_MAX + 1; limit++) {
        buf_clear(&f->out);
        struct feed_walk asked = {.limit = limit};
        assert_int_equal(feed_list(&f->ctx, &asked, &f->out), ERR_OK);
        const struct json *answer = fixture_json(f, fixture_out(f));
        assert_int_equal(json_get(answer, "items")->count, CHANGES_MAX);
        assert_int_equal(json_int(answer, "next", 0), CHANGES_MAX);
    }
}

static const struct feed *walk(struct fixture *f, const struct entity *entity, int64_t since,
                               int limit)
{
    struct feed_walk walk = {.since = since, .limit = limit, .entity = entity};
    struct feed *feed;
    assert_int_equal(feed_walk(&f->ctx, f->arena, &walk, &feed), ERR_OK);
    return feed;
}

static void test_list__a_walk_for_one_entity_keeps_nothing_of_others(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    for (int i = 1; i <= 20; i++)
        log_of(f, i % 5 ? f->deal : f->account, i, i, "{\"1\":[null,\"x\"]}");
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    const struct feed *feed = walk(f, f->account, 0, 3);
    assert_int_equal(feed->count, 3);
    assert_int_equal(feed->last, 15);
    assert_true(feed->is_full);
    assert_string_equal(feed->items[0].diff.at, "{\"1\":[null,\"x\"]}");
    feed = walk(f, f->account, 15, 3);
    assert_int_equal(feed->count, 1);
    assert_int_equal(feed->items[0].record, 20);
    assert_false(feed->is_full);
    feed = walk(f, f->account, 20, 3);
    assert_int_equal(feed->count, 0);
    assert_int_equal(feed->last, 20);
    assert_int_equal(walk(f, NULL, 0, 50)->count, 20);
    assert_int_equal(walk(f, f->deal, 15, 50)->last, 20); /* past what is not its own */
}

static void test_list__a_walk_looks_at_so_many_rows(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    for (int i = 1; i <= CHANGES_WALK_MAX; i++)
        log_of(f, f->deal, i, 32, "{}");
    log_of(f, f->account, CHANGES_WALK_MAX + 1, 1, "{}");
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    const struct feed *feed = walk(f, f->account, 0, 10);
    assert_int_equal(feed->count, 0);
    assert_int_equal(feed->last, CHANGES_WALK_MAX);
    assert_true(feed->is_full);
    feed = walk(f, f->account, feed->last, 10);
    assert_int_equal(feed->count, 1);
    assert_false(feed->is_full);
    assert_int_equal(walk(f, f->account, 1, 10)->count, 1); /* the last row it may look at */
}

static void test_list__a_walk_reads_so_many_bytes(void **state)
{
    struct fixture *f = &((struct pair *)*state)->a;
    char *diff = arena_alloc(f->arena, CHANGES_BYTES_MAX / 4 + 1);
    memset(diff, 'x', CHANGES_BYTES_MAX / 4);
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    for (int i = 1; i <= 6; i++)
        log_of(f, f->deal, i, 32, diff);
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    const struct feed *feed = walk(f, NULL, 0, 50);
    assert_int_equal(feed->count, 4);
    assert_true(feed->is_full);
    feed = walk(f, NULL, feed->last, 50);
    assert_int_equal(feed->count, 2);
    assert_false(feed->is_full);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_list__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(newest_come_first),
        T(a_page_has_so_many_rows),
        T(the_feed_gives_so_many_at_once),
        T(a_walk_for_one_entity_keeps_nothing_of_others),
        T(a_walk_looks_at_so_many_rows),
        T(a_walk_reads_so_many_bytes),
        T(pages_meet_without_gap_or_overlap),
        T(a_page_mark_fits_its_query_and_tenant_alone),
        T(counts_only_when_asked),
        T(another_tenant_is_never_seen),
        T(deleted_ones_are_in_the_recycle_bin_alone),
        T(a_record_that_is_not_yours_is_absent),
        T(a_reference_is_an_id_or_an_object),
        T(bad_queries_name_what_is_wrong),
        T(parameters_become_a_query),
        T(history_names_fields_and_leaves_out_hidden_ones),
        T(the_feed_holds_what_may_be_seen_now),
        T(the_feed_of_one_entity_walks_past_the_others),
        T(related_asks_both_sides),
        T(export_needs_its_right_and_defuses_cells),
        T(export_walks_over_many_pages),
        T(so_many_references_are_expanded_and_no_more),
        T(so_many_rows_are_sorted_without_an_index_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
