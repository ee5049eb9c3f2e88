/* test_post - what a letter needs, its bounds, and one letter of a key at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "hook/job.h"
#include "hook/post.h"
#include "store/query.h"
#include "tenant/system.h"

#define OK(call) assert_int_equal((call), ERR_OK)

struct office {
    char folder[64];
    struct arena *arena;
    struct tenant tenant;
    struct ctx ctx;
};

static int setup(void **state)
{
    struct office *office = calloc(1, sizeof *office);
    struct store_schema schema;
    char path[96];
    office->arena = arena_new();
    strcpy(office->folder, "/tmp/perigee-post-XXXXXX");
    assert_non_null(mkdtemp(office->folder));
    snprintf(path, sizeof path, "%s/tenant.db", office->folder);
    schema.tables = system_tables(&schema.tables_count);
    schema.hash = system_hash(schema.tables, schema.tables_count);
    OK(store_create(path));
    OK(store_open(path, STORE_OWNER, &office->tenant.store));
    OK(store_schema_apply(office->tenant.store, &schema));
    ctx_init(&office->ctx, office->arena);
    office->ctx.tenant = &office->tenant;
    office->ctx.now_ms = 1000000;
    *state = office;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"tenant.db", "tenant.db-wal", "tenant.db-shm"};
    struct office *office = *state;
    char path[96];
    store_close(office->tenant.store);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", office->folder, files[i]);
        unlink(path);
    }
    rmdir(office->folder);
    arena_free(office->arena);
    free(office);
    return 0;
}

/* Posts it in a transaction of its own. */
static enum err put(struct office *office, const struct post *post, int64_t *id)
{
    err_info_clear(&office->ctx.err);
    OK(store_begin(office->tenant.store, true));
    enum err e = post_put(&office->ctx, post, id);
    if (e)
        store_rollback(office->tenant.store);
    else
        OK(store_commit(office->tenant.store));
    return e;
}

static const char *complaint(struct office *office)
{
    const struct err_field *first = office->ctx.err.first;
    return first ? arena_printf(office->arena, "%s:%s", first->field, first->code) : "";
}

static const char *const ANN[] = {"ann@example.com", NULL};

static void test_post__a_letter_is_a_job_that_says_all(void **state)
{
    struct office *office = *state;
    int64_t id = 0, next_ms = 0;
    const struct json *data = NULL;
    const int64_t files[] = {5};
    struct job *job = NULL;
    OK(json_parse(office->arena, SLICE("{\"name\":\"Ann\"}"), &data, NULL));
    const struct post post = {.to = ANN,
                              .template = "core:hello",
                              .data = data,
                              .lang = LANG_EN,
                              .files = files,
                              .files_count = 1,
                              .by = 7};
    OK(put(office, &post, &id));
    OK(store_begin(office->tenant.store, true));
    OK(job_lease(&office->ctx, 1, &job, &next_ms));
    OK(store_commit(office->tenant.store));
    assert_int_equal(job->id, id);
    assert_string_equal(job->queue, POST_QUEUE);
    struct buf body = BUF_INIT;
    json_put(&body, job->body);
    assert_string_equal(buf_cstr(&body),
                        "{\"to\":[\"ann@example.com\"],\"template\":\"core:hello\",\"data\":"
                        "{\"name\":\"Ann\"},\"lang\":\"en\",\"files\":[\"0000000000005\"],"
                        "\"by\":7}");
    buf_release(&body);
}

static void test_post__what_is_missing_is_named(void **state)
{
    struct office *office = *state;
    static const char *const nobody[] = {NULL}, *const bad[] = {"a@b.example", "a b@c", NULL};
    int64_t id = 0;
    assert_int_equal(put(office, &(struct post){.to = nobody, .template = "t"}, &id),
                     ERR_VALIDATION);
    assert_string_equal(complaint(office), "to:required");
    assert_int_equal(put(office, &(struct post){.to = bad, .template = "t"}, &id), ERR_VALIDATION);
    assert_string_equal(complaint(office), "to:bad_email");
    const struct post reply = {.to = ANN, .template = "t", .reply_to = "x\r\nBcc: y@z"};
    assert_int_equal(put(office, &reply, &id), ERR_VALIDATION);
    assert_string_equal(complaint(office), "reply_to:bad_email");
}

static enum err to_many(struct office *office, int count)
{
    int64_t id;
    const char **to = arena_array(office->arena, const char *, (size_t)count + 1);
    for (int i = 0; i < count; i++)
        to[i] = "ann@example.com";
    return put(office, &(struct post){.to = to, .template = "t"}, &id);
}

static enum err with_files(struct office *office, int count)
{
    int64_t id, files[MAIL_FILES_MAX + 1] = {0};
    return put(office,
               &(struct post){.to = ANN, .template = "t", .files = files, .files_count = count},
               &id);
}

/* A body of exactly so many bytes. */
static enum err with_bytes(struct office *office, int bytes)
{
    static const char frame[] = "{\"to\":[\"ann@example.com\"],\"subject\":\"s\",\"text\":\"\","
                                "\"lang\":\"zh-CN\"}";
    size_t n = (size_t)bytes - (sizeof frame - 1);
    char *text = arena_alloc(office->arena, n + 1);
    int64_t id;
    memset(text, 'x', n);
    text[n] = '\0';
    return put(office, &(struct post){.to = ANN, .subject = "s", .text = text}, &id);
}

static void test_post__bounds(void **state)
{
    struct office *office = *state;
    OK(to_many(office, MAIL_RECIPIENTS_MAX));
    assert_int_equal(to_many(office, MAIL_RECIPIENTS_MAX + 1), ERR_VALIDATION);
    assert_string_equal(complaint(office), "to:too_many_values");
    OK(with_files(office, MAIL_FILES_MAX));
    assert_int_equal(with_files(office, MAIL_FILES_MAX + 1), ERR_VALIDATION);
    assert_string_equal(complaint(office), "files:too_many_values");
    OK(with_bytes(office, MAIL_DATA_BYTES_MAX));
    assert_int_equal(with_bytes(office, MAIL_DATA_BYTES_MAX + 1), ERR_VALIDATION);
    assert_string_equal(complaint(office), "data:too_long");
}

static void test_post__one_letter_of_a_key_waits(void **state)
{
    struct office *office = *state;
    int64_t first = 0, second = 0, other = 0;
    OK(put(office, &(struct post){.to = ANN, .template = "t", .dedupe = "k"}, &first));
    OK(put(office, &(struct post){.to = ANN, .template = "t", .dedupe = "k"}, &second));
    OK(put(office, &(struct post){.to = ANN, .template = "t", .dedupe = "l"}, &other));
    assert_int_equal(first, second);
    assert_int_not_equal(first, other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_post__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_letter_is_a_job_that_says_all),
        T(what_is_missing_is_named),
        T(bounds),
        T(one_letter_of_a_key_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
