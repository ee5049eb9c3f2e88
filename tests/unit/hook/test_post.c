/* test_post - what a letter needs, its bounds, and one letter of a key at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shed.h"

#include "base/limits.h"
#include "hook/job.h"
#include "hook/post.h"
#include "store/query.h"

/* Posts it in a transaction of its own. */
static enum err put(struct shed *shed, const struct post *post, int64_t *id)
{
    err_info_clear(&shed->ctx.err);
    OK(store_begin(shed->tenant.store, true));
    enum err e = post_put(&shed->ctx, post, id);
    if (e)
        store_rollback(shed->tenant.store);
    else
        OK(store_commit(shed->tenant.store));
    return e;
}

static const char *complaint(struct shed *shed)
{
    const struct err_field *first = shed->ctx.err.first;
    return first ? arena_printf(shed->arena, "%s:%s", first->field, first->code) : "";
}

static const char *const ANN[] = {"ann@example.com", NULL};

static void test_post__a_letter_is_a_job_that_says_all(void **state)
{
    struct shed *shed = *state;
    int64_t id = 0, next_ms = 0;
    const struct json *data = NULL;
    const int64_t files[] = {5};
    struct job *job = NULL;
    OK(json_parse(shed->arena, SLICE("{\"name\":\"Ann\"}"), &data, NULL));
    const struct post post = {.to = ANN,
                              .template = "core:hello",
                              .data = data,
                              .lang = LANG_EN,
                              .files = files,
                              .files_count = 1,
                              .by = 7};
    OK(put(shed, &post, &id));
    OK(store_begin(shed->tenant.store, true));
    OK(job_lease(&shed->ctx, 1, &job, &next_ms));
    OK(store_commit(shed->tenant.store));
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
    struct shed *shed = *state;
    static const char *const nobody[] = {NULL}, *const bad[] = {"a@b.example", "a b@c", NULL};
    int64_t id = 0;
    assert_int_equal(put(shed, &(struct post){.to = nobody, .template = "t"}, &id), ERR_VALIDATION);
    assert_string_equal(complaint(shed), "to:required");
    assert_int_equal(put(shed, &(struct post){.to = bad, .template = "t"}, &id), ERR_VALIDATION);
    assert_string_equal(complaint(shed), "to:bad_email");
    const struct post reply = {.to = ANN, .template = "t", .reply_to = "x\r\nBcc: y@z"};
    assert_int_equal(put(shed, &reply, &id), ERR_VALIDATION);
    assert_string_equal(complaint(shed), "reply_to:bad_email");
}

static enum err to_many(struct shed *shed, int count)
{
    int64_t id;
    const char **to = arena_array(shed->arena, const char *, (size_t)count + 1);
    for (int i = 0; i < count; i++)
        to[i] = "ann@example.com";
    return put(shed, &(struct post){.to = to, .template = "t"}, &id);
}

static enum err with_files(struct shed *shed, int count)
{
    int64_t id, files[MAIL_FILES_MAX + 1] = {0};
    return put(shed,
               &(struct post){.to = ANN, .template = "t", .files = files, .files_count = count},
               &id);
}

/* A body of exactly so many bytes. */
static enum err with_bytes(struct shed *shed, int bytes)
{
    static const char frame[] = "{\"to\":[\"ann@example.com\"],\"subject\":\"s\",\"text\":\"\","
                                "\"lang\":\"zh-CN\"}";
    size_t n = (size_t)bytes - (sizeof frame - 1);
    char *text = arena_alloc(shed->arena, n + 1);
    int64_t id;
    memset(text, 'x', n);
    text[n] = '\0';
    return put(shed, &(struct post){.to = ANN, .subject = "s", .text = text}, &id);
}

static void test_post__bounds(void **state)
{
    struct shed *shed = *state;
    OK(to_many(shed, MAIL_RECIPIENTS_MAX));
    assert_int_equal(to_many(shed, MAIL_RECIPIENTS_MAX + 1), ERR_VALIDATION);
    assert_string_equal(complaint(shed), "to:too_many_values");
    OK(with_files(shed, MAIL_FILES_MAX));
    assert_int_equal(with_files(shed, MAIL_FILES_MAX + 1), ERR_VALIDATION);
    assert_string_equal(complaint(shed), "files:too_many_values");
    OK(with_bytes(shed, MAIL_DATA_BYTES_MAX));
    assert_int_equal(with_bytes(shed, MAIL_DATA_BYTES_MAX + 1), ERR_VALIDATION);
    assert_string_equal(complaint(shed), "data:too_long");
}

static void test_post__one_letter_of_a_key_waits(void **state)
{
    struct shed *shed = *state;
    int64_t first = 0, second = 0, other = 0;
    OK(put(shed, &(struct post){.to = ANN, .template = "t", .dedupe = "k"}, &first));
    OK(put(shed, &(struct post){.to = ANN, .template = "t", .dedupe = "k"}, &second));
    OK(put(shed, &(struct post){.to = ANN, .template = "t", .dedupe = "l"}, &other));
    assert_int_equal(first, second);
    assert_int_not_equal(first, other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_post__##name, shed_setup, shed_teardown)
    const struct CMUnitTest tests[] = {
        T(a_letter_is_a_job_that_says_all),
        T(what_is_missing_is_named),
        T(bounds),
        T(one_letter_of_a_key_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
