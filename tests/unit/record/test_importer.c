/* test_importer - files into records: mapping, matching, reasons, passes, resuming, undo.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/id.h"
#include "base/limits.h"
#include "record/importer.h"

#define ROWS 200

struct run {
    struct importer_counts counts;
    int64_t batch;
    enum err e;
    const char *reasons;
};

/* The whole file, in steps of `rows`, each in a transaction of its own. */
static struct run import(struct shop *shop, const struct entity *entity, const char *csv,
                         const struct importer_options *options, int rows)
{
    struct run run = {0};
    struct importer *importer;
    struct buf reasons = BUF_INIT;
    bool done = false;
    err_info_clear(&shop->ctx->err);
    run.e = importer_new(shop->ctx, entity, slice_str(csv), options, &importer);
    if (run.e)
        return run;
    if (!options->dry_run) {
        shop_begin(shop);
        OK(importer_begin(shop->ctx, importer, &run.batch));
        shop_commit(shop);
    }
    while (!done) {
        shop_begin(shop);
        enum err e = importer_step(shop->ctx, importer, rows, 0, &reasons, &done);
        if (e)
            fail_msg("%s: %s %s", err_code(e), store_why(shop->place.tenant->store),
                     shop->ctx->err.detail ? shop->ctx->err.detail : "");
        shop_commit(shop);
    }
    run.counts = *importer_counts(importer);
    run.reasons = arena_strdup(shop->place.arena, buf_cstr(&reasons));
    buf_release(&reasons);
    importer_free(importer);
    return run;
}

static struct run import_map(struct shop *shop, const struct entity *entity, const char *csv,
                             const char *map, enum importer_mode mode)
{
    struct importer_options options = {.mode = mode, .keep_automation = true};
    options.mapping = map ? place_json(&shop->place, map) : NULL;
    return import(shop, entity, csv, &options, ROWS);
}

static void check(const struct run *run, int64_t created, int64_t updated, int64_t skipped,
                  int64_t failed)
{
    if (run->counts.failed != failed)
        fail_msg("%s", run->reasons);
    assert_int_equal(run->e, ERR_OK);
    assert_int_equal(run->counts.created, created);
    assert_int_equal(run->counts.updated, updated);
    assert_int_equal(run->counts.skipped, skipped);
    assert_int_equal(run->counts.rows, created + updated + skipped + failed);
}

/* Exactly one record has that text. */
static void find(struct shop *shop, const struct entity *entity, const char *field,
                 const char *value)
{
    const char *column = entity_field(entity, slice_str(field))->column;
    struct expr *where = expr_cmp(shop->place.arena, EXPR_EQ, column, value_text(slice_str(value)));
    int64_t count = shop_count(shop, entity->table, where);
    if (count != 1)
        fail_msg("%lld records with %s = %s", (long long)count, field, value);
}

/* --- columns --- */

static void test_importer__columns_are_known_by_name_label_and_alias(void **state)
{
    struct shop *shop = *state;
    struct run run = import_map(shop, shop->customer, "Name;Kennung;PHONE\nAda;k1;13800001234\n",
                                NULL, IMPORT_CREATE);
    check(&run, 1, 0, 0, 0);
    find(shop, shop->customer, "code", "k1");
    find(shop, shop->customer, "name", "Ada");
}

static void test_importer__a_mapping_that_does_not_fit_is_told(void **state)
{
    struct shop *shop = *state;
    struct run run = import_map(shop, shop->customer, "A,B,C,D\n1,2,3,4\n",
                                "{\"columns\":{\"A\":\"name\",\"B\":\"nmae\",\"C\":\"name\","
                                "\"D\":\"score\",\"E\":\"code\"}}",
                                IMPORT_CREATE);
    assert_int_equal(run.e, ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop),
                        "B:unknown_target C:used_twice D:read_only E:missing_column");
    run = import_map(shop, shop->customer, "A\n1\n",
                     "{\"columns\":{\"A\":\"name\"},\"match\":\"code\"}", IMPORT_UPSERT);
    assert_string_equal(shop_complaints(shop), "match:missing_column");
}

static void test_importer__values_dates_and_words_for_nothing(void **state)
{
    struct shop *shop = *state;
    struct run run = import_map(
        shop, shop->customer,
        "who,grade,since,amount,note\nAda,GOLD,3/1/2017,12.5,Select\nBob,?,12/31/2016,,NULL\n",
        "{\"columns\":{\"who\":[\"name\",\"code\"],"
        "\"grade\":{\"field\":\"level\",\"values\":{\"gold\":\"a\",\"?\":null}},"
        "\"since\":{\"field\":\"since\",\"dates\":\"M/D/YYYY\"},"
        "\"amount\":{\"field\":\"amount\",\"currency\":\"USD\"},\"note\":\"reason\"},"
        "\"constants\":{\"status\":\"active\",\"vip_note\":{\"from\":\"who\",\"prefix\":\"* \"}},"
        "\"empty\":[\"Select\",\"NULL\"]}",
        IMPORT_CREATE);
    check(&run, 2, 0, 0, 0);
    find(shop, shop->customer, "level", "a");
    find(shop, shop->customer, "vip_note", "* Ada");
    assert_int_equal(shop_count(shop, shop->customer->table,
                                expr_cmp(shop->place.arena, EXPR_EQ,
                                         place_field(&shop->place, "customer", "since")->column,
                                         value_int(date_to_days((struct date){2016, 12, 31})))),
                     1);
    assert_int_equal(
        shop_count(shop, shop->customer->table,
                   expr_cmp(shop->place.arena, EXPR_NOT_NULL,
                            place_field(&shop->place, "customer", "reason")->column, value_null())),
        0);
}

static void test_importer__choices_are_known_by_their_labels(void **state)
{
    struct shop *shop = *state;
    struct run run =
        import_map(shop, shop->customer, "name,level,vip_note\nAda, gold ,x\nBob,B,\nEve,Silver,\n",
                   NULL, IMPORT_CREATE);
    check(&run, 2, 0, 0, 1);
    find(shop, shop->customer, "level", "a");
    find(shop, shop->customer, "level", "b");
    assert_non_null(strstr(run.reasons, "Silver"));
    assert_non_null(strstr(run.reasons, "Gold"));
}

/* --- matching --- */

#define MATCH "{\"match\":\"code\"}"

static void test_importer__the_same_file_again_updates_instead_of_doubling(void **state)
{
    struct shop *shop = *state;
    static const char csv[] = "name,code\nAda,1\nBob,2\n";
    struct run run = import_map(shop, shop->customer, csv, MATCH, IMPORT_UPSERT);
    check(&run, 2, 0, 0, 0);
    run = import_map(shop, shop->customer, csv, MATCH, IMPORT_UPSERT);
    check(&run, 0, 2, 0, 0);
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 2);
    assert_int_equal(shop_count(shop, "change", NULL), 2); /* nothing changed, nothing logged */
    run = import_map(shop, shop->customer, "name,code\nAdam,1\nEve,3\n", MATCH, IMPORT_UPDATE);
    check(&run, 0, 1, 1, 0);
    run = import_map(shop, shop->customer, "name,code\nEve,3\nCarl,1\n", MATCH, IMPORT_CREATE);
    check(&run, 1, 0, 1, 0);
    find(shop, shop->customer, "name", "Adam");
}

static void test_importer__an_empty_cell_leaves_what_is_there(void **state)
{
    struct shop *shop = *state;
    (void)import_map(shop, shop->customer, "name,code,reason\nAda,1,because\n", MATCH,
                     IMPORT_UPSERT);
    (void)import_map(shop, shop->customer, "name,code,reason\nEve,1,\n", MATCH, IMPORT_UPSERT);
    find(shop, shop->customer, "reason", "because");
    find(shop, shop->customer, "name", "Eve");
}

static void test_importer__when_and_by_whom_it_was_made_is_told_once(void **state)
{
    struct shop *shop = *state;
    struct run run =
        import_map(shop, shop->customer, "name,code,created_at\nAda,1,2024-01-02T03:04:05.678Z\n",
                   MATCH, IMPORT_UPSERT);
    check(&run, 1, 0, 0, 0);
    run = import_map(shop, shop->customer,
                     "name,code,created_at,created_by\nEva,1,2024-01-02T03:04:05Z,\n", MATCH,
                     IMPORT_UPSERT);
    check(&run, 0, 1, 0, 0);
    find(shop, shop->customer, "name", "Eva");
    struct expr *where =
        expr_cmp(shop->place.arena, EXPR_EQ, "created_at", value_int(1704164645678));
    assert_int_equal(shop_count(shop, shop->customer->table, where), 1);
}

/* --- what goes wrong --- */

static void test_importer__failed_rows_come_back_with_their_reason(void **state)
{
    struct shop *shop = *state;
    struct run run = import_map(shop, shop->customer,
                                "name,code,level\nAda,1,a\n,2,b\nBob,1,b\nEve,4,z\nIvo,1,b\n", NULL,
                                IMPORT_CREATE);
    check(&run, 1, 0, 0, 4);
    assert_true(
        slice_starts(slice_str(run.reasons), SLICE("name,code,level,error,line\r\nAda,1,a,")));
    assert_non_null(strstr(run.reasons, "vip_note"));
    assert_non_null(strstr(run.reasons, "Eve,4,z,"));
    assert_non_null(strstr(run.reasons, ",5\r\n")); /* its line of the file */
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 1);
    assert_int_equal(shop_count(shop, "import_item", NULL), 5);
}

static void test_importer__a_dry_run_changes_nothing(void **state)
{
    struct shop *shop = *state;
    struct importer_options options = {.dry_run = true};
    struct run run = import(shop, shop->customer, "name,code\nAda,1\n,2\nEve,1\n", &options, ROWS);
    check(&run, 1, 0, 0, 2);
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 0);
    assert_int_equal(shop_count(shop, "change", NULL), 0);
    assert_int_equal(shop_count(shop, "import", NULL), 0);
}

static enum err veto_bob(struct ctx *ctx, struct event *event, void *arg)
{
    const struct value *name = &event->record->now[((const struct field *)arg)->slot];
    return slice_is(name->bytes, "Bob") ? err_field(&ctx->err, "name", "no_bobs", NULL) : ERR_OK;
}

static void test_importer__validators_judge_every_row(void **state)
{
    struct shop *shop = *state;
    shop_on(shop, "customer", HOOK_VALIDATE, "v", 500, veto_bob,
            (void *)(uintptr_t)place_field(&shop->place, "customer", "name"));
    shop_seal(shop);
    struct run run = import_map(shop, shop->customer, "name\nAda\nBob\nEve\n", NULL, IMPORT_CREATE);
    check(&run, 2, 0, 0, 1);
}

static void test_importer__needs_the_right_to_import(void **state)
{
    struct shop *shop = *state;
    shop_as(shop, 77,
            "{\"name\":\"r\",\"grants\":{\"customer\":{\"read\":\"all\",\"create\":true}}}");
    struct run run = import_map(shop, shop->customer, "name\nAda\n", NULL, IMPORT_CREATE);
    assert_int_equal(run.e, ERR_FORBIDDEN);
    shop_as(shop, 77,
            "{\"name\":\"r\",\"grants\":{\"customer\":{\"create\":true,\"import\":true,"
            "\"fields\":{\"code\":\"read\"}}}}");
    run = import_map(shop, shop->customer, "name,code\nAda,1\n", NULL, IMPORT_CREATE);
    assert_int_equal(run.e, ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "code:forbidden");
}

/* --- passes and steps --- */

static void test_importer__a_second_pass_points_to_later_rows(void **state)
{
    struct shop *shop = *state;
    struct importer_options options = {.mode = IMPORT_UPSERT};
    options.mapping = place_json(&shop->place, "{\"second_pass\":[\"parent\"],\"match\":\"code\"}");
    struct run run =
        import(shop, shop->customer, "name,code,parent\nChild,1,Mother\nMother,2,\nLost,3,Nobody\n",
               &options, 2);
    assert_int_equal(run.counts.created, 3);
    assert_int_equal(run.counts.failed, 1);
    assert_non_null(strstr(run.reasons, "Lost,3,Nobody"));
    const struct field *parent = place_field(&shop->place, "customer", "parent");
    assert_int_equal(
        shop_count(shop, shop->customer->table,
                   expr_cmp(shop->place.arena, EXPR_NOT_NULL, parent->column, value_null())),
        1);
}

static void test_importer__goes_on_from_what_was_committed(void **state)
{
    struct shop *shop = *state;
    static const char csv[] = "name,code\nA,1\nB,2\nC,3\nD,4\nE,5\n";
    struct importer_options options = {.mode = IMPORT_CREATE};
    struct importer *importer;
    struct buf reasons = BUF_INIT;
    int64_t batch = 0;
    bool done = false;
    OK(importer_new(shop->ctx, shop->customer, slice_str(csv), &options, &importer));
    shop_begin(shop);
    OK(importer_begin(shop->ctx, importer, &batch));
    OK(importer_step(shop->ctx, importer, 2, 0, &reasons, &done));
    shop_commit(shop);
    shop_begin(shop); /* this step is lost */
    OK(importer_step(shop->ctx, importer, 2, 0, &reasons, &done));
    shop_rollback(shop);
    shop_begin(shop); /* the same process goes on */
    OK(importer_step(shop->ctx, importer, 2, 0, &reasons, &done));
    shop_commit(shop);
    importer_free(importer);
    OK(importer_new(shop->ctx, shop->customer, slice_str(csv), &options, &importer));
    shop_begin(shop); /* and another after it */
    OK(importer_begin(shop->ctx, importer, &batch));
    assert_int_equal(importer_counts(importer)->created, 4);
    OK(importer_step(shop->ctx, importer, ROWS, 0, &reasons, &done));
    shop_commit(shop);
    assert_true(done);
    assert_int_equal(importer_counts(importer)->created, 5);
    assert_int_equal(importer_progress(importer), 100);
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 5);
    importer_free(importer);
    buf_release(&reasons);
}

/* Another model may lie where the one before it lay. */
static void test_importer__another_model_ends_it(void **state)
{
    struct shop *shop = *state;
    struct importer_options options = {.mode = IMPORT_CREATE};
    struct importer *importer;
    struct buf reasons = BUF_INIT;
    int64_t batch = 0;
    bool done = false;
    const struct model *before = shop->ctx->model;
    struct model model = *before;
    shop->ctx->model = &model;
    OK(importer_new(shop->ctx, shop->customer, SLICE("name\nA\nB\n"), &options, &importer));
    shop_begin(shop);
    OK(importer_begin(shop->ctx, importer, &batch));
    OK(importer_step(shop->ctx, importer, 1, 0, &reasons, &done));
    model.serial = 0; /* of none that was built */
    assert_int_equal(importer_step(shop->ctx, importer, 1, 0, &reasons, &done), ERR_BUSY);
    shop->ctx->model = before;
    shop_commit(shop);
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 1);
    importer_free(importer);
    buf_release(&reasons);
}

#define WAITED_FOR_ROWS 2000

static bool always(void *arg)
{
    ++*(int *)arg;
    return true;
}

/* Who waits ends a step that has taken a while; no row is lost or done twice. */
static void test_importer__a_step_ends_for_those_who_wait(void **state)
{
    struct shop *shop = *state;
    struct importer_options options = {.mode = IMPORT_CREATE};
    struct importer *importer;
    struct buf csv = BUF_INIT, reasons = BUF_INIT;
    int64_t batch = 0;
    int asked = 0, steps = 0;
    bool done = false;
    buf_put_str(&csv, "name,code\n");
    for (int i = 0; i < WAITED_FOR_ROWS; i++)
        buf_printf(&csv, "N%d,%d\n", i, i);
    OK(importer_new(shop->ctx, shop->customer, buf_slice(&csv), &options, &importer));
    importer_watch(importer, always, &asked);
    for (; !done; steps++) {
        shop_begin(shop);
        if (steps == 0)
            OK(importer_begin(shop->ctx, importer, &batch));
        OK(importer_step(shop->ctx, importer, WAITED_FOR_ROWS * 2, 0, &reasons, &done));
        shop_commit(shop);
    }
    assert_true(asked > 0);
    assert_int_equal(steps, asked + 1);
    assert_int_equal(importer_counts(importer)->created, WAITED_FOR_ROWS);
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), WAITED_FOR_ROWS);
    importer_free(importer);
    buf_release(&reasons);
    buf_release(&csv);
}

/* --- undo --- */

static struct importer_counts undo(struct shop *shop, int64_t batch)
{
    struct importer_counts counts = {0};
    bool done = false;
    while (!done) {
        shop_begin(shop);
        OK(importer_undo(shop->ctx, batch, 2, &counts, &done));
        shop_commit(shop);
    }
    return counts;
}

static void test_importer__undo_takes_away_and_restores(void **state)
{
    struct shop *shop = *state;
    int64_t old =
        shop_make(shop, shop->customer, "{\"name\":\"Old\",\"code\":\"1\",\"amount\":\"5.00\"}");
    struct run run =
        import_map(shop, shop->customer, "name,code,amount\nNew,1,7.00\nAda,2,\nBob,3,\nEve,4,\n",
                   MATCH, IMPORT_UPSERT);
    check(&run, 3, 1, 0, 0);
    struct importer_counts counts = undo(shop, run.batch);
    assert_int_equal(counts.created, 3);
    assert_int_equal(counts.updated, 1);
    assert_int_equal(counts.skipped, 0);
    assert_string_equal(shop_get(shop, shop->customer, old, "name"), "Old");
    assert_string_equal(shop_get(shop, shop->customer, old, "amount"), "5.00 CNY");
    assert_int_equal(shop_count(shop, shop->customer->table,
                                expr_cmp(shop->place.arena, EXPR_NULL, "deleted_at", value_null())),
                     1);
}

static void test_importer__undo_leaves_what_was_changed_since(void **state)
{
    struct shop *shop = *state;
    int64_t old = shop_make(shop, shop->customer, "{\"name\":\"Old\",\"code\":\"1\"}");
    struct run run =
        import_map(shop, shop->customer, "name,code\nNew,1\nAda,2\n", MATCH, IMPORT_UPSERT);
    OK(shop_update(shop, shop->customer, old, "{\"reason\":\"mine\"}", 0));
    struct importer_counts counts = undo(shop, run.batch);
    assert_int_equal(counts.created, 1);
    assert_int_equal(counts.updated, 0);
    assert_int_equal(counts.skipped, 1);
    assert_string_equal(shop_get(shop, shop->customer, old, "name"), "New");
    counts = undo(shop, run.batch);
    assert_int_equal(counts.rows, 0); /* once is enough */
}

/* --- the mappings that are shipped --- */

static struct run import_file(struct shop *shop, const char *entity, const char *map,
                              const char *csv)
{
    const struct json *mapping;
    const char *why = "";
    const char *path =
        arena_printf(shop->place.arena, PERIGEE_SOURCE_DIR "/tests/fixtures/import/%s.json", map);
    struct importer_options options = {.mode = IMPORT_UPSERT, .keep_automation = true};
    if (json_load(shop->place.arena, path, &mapping, &why))
        fail_msg("%s", why);
    options.mapping = mapping;
    return import(shop, place_entity(&shop->place, entity), csv, &options, ROWS);
}

static void test_importer__leads_of_a_school_are_known_by_their_prospect_id(void **state)
{
    struct shop *shop = *state;
    static const char csv[] =
        "ProspectID,LeadOrigin,LeadSource,TotalVisits,TotalTime,PageViews,Specialization,"
        "Occupation,Converted\n"
        "95caf95f-6873,API,bing,2,88,1.33,Select,Unemployed,0\n"
        "1de8d6ec-3340,API,google,1,153,1,,Other,1\n";
    struct run run = import_file(shop, "lead", "x_education_leads", csv);
    check(&run, 2, 0, 0, 0);
    const struct entity *lead = place_entity(&shop->place, "lead");
    find(shop, lead, "name", "95caf95f-6873");
    find(shop, lead, "status", "converted");
    assert_int_equal(
        shop_count(shop, lead->table,
                   expr_cmp(shop->place.arena, EXPR_NULL,
                            entity_field(lead, SLICE("specialization"))->column, value_null())),
        2);
}

static void test_importer__accounts_find_their_parents_wherever_they_stand(void **state)
{
    struct shop *shop = *state;
    static const char csv[] =
        "account,sector,year_established,revenue,employees,office_location,subsidiary_of\n"
        "Bluth Company,technolgy,1993,1242.32,3027,United States,Acme Corporation\n"
        "Acme Corporation,technolgy,1996,1100.04,2822,United States,\n";
    struct run run = import_file(shop, "account", "maven_accounts", csv);
    check(&run, 2, 0, 0, 0);
    const struct entity *account = place_entity(&shop->place, "account");
    assert_int_equal(
        shop_count(shop, account->table,
                   expr_cmp(shop->place.arena, EXPR_NOT_NULL,
                            entity_field(account, SLICE("parent"))->column, value_null())),
        1);
}

static void test_importer__sales_people_become_users_who_cannot_sign_in_yet(void **state)
{
    struct shop *shop = *state;
    static const char csv[] = "sales_agent,manager,regional_office\n"
                              "Anna Snelling,Dustin Brinkmann,Central\n"
                              "Cecily Lampkin,Dustin Brinkmann,Central\n"
                              "张小伟,Anna Snelling,East\n";
    struct run run = import_file(shop, "user", "maven_sales_teams", csv);
    check(&run, 3, 0, 0, 0);
    find(shop, shop->user, "login", "anna.snelling");
    find(shop, shop->user, "login", "dustin.brinkmann");
    find(shop, shop->user, "login", "zhang.xiao.wei");
    assert_int_equal(shop_count(shop, "user", NULL), 4);
    assert_int_equal(shop_count(shop, "department", NULL), 2);
    assert_int_equal(
        shop_count(shop, "user",
                   expr_cmp(shop->place.arena, EXPR_NOT_NULL, "password", value_null())),
        0);
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)
#define PRODUCT(name) cmocka_unit_test_setup_teardown(name, shop_products_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_importer__columns_are_known_by_name_label_and_alias),
        TEST(test_importer__a_mapping_that_does_not_fit_is_told),
        TEST(test_importer__values_dates_and_words_for_nothing),
        TEST(test_importer__choices_are_known_by_their_labels),
        TEST(test_importer__the_same_file_again_updates_instead_of_doubling),
        TEST(test_importer__an_empty_cell_leaves_what_is_there),
        TEST(test_importer__when_and_by_whom_it_was_made_is_told_once),
        TEST(test_importer__failed_rows_come_back_with_their_reason),
        TEST(test_importer__a_dry_run_changes_nothing),
        TEST(test_importer__validators_judge_every_row),
        TEST(test_importer__needs_the_right_to_import),
        TEST(test_importer__a_second_pass_points_to_later_rows),
        TEST(test_importer__goes_on_from_what_was_committed),
        TEST(test_importer__another_model_ends_it),
        TEST(test_importer__a_step_ends_for_those_who_wait),
        TEST(test_importer__undo_takes_away_and_restores),
        TEST(test_importer__undo_leaves_what_was_changed_since),
        PRODUCT(test_importer__leads_of_a_school_are_known_by_their_prospect_id),
        PRODUCT(test_importer__accounts_find_their_parents_wherever_they_stand),
        PRODUCT(test_importer__sales_people_become_users_who_cannot_sign_in_yet),
    };
    return cmocka_run_group_tests_name("record/importer", tests, NULL, NULL);
}
