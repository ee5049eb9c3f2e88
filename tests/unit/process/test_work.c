/* test_work - request frames: read back whole, answered over the link, never to a closed peer.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "help.h"
#include "process/work.h"

struct end {
    struct loop *loop;
    struct work_peer *peer;
    int other; /* the gateway's end, read with frame_read */
    bool closed;
};

static void end_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    (void)link, (void)kind, (void)tag, (void)body;
}

static void end_closed(struct link *link)
{
    struct work_peer *peer = link_user(link);
    struct end *end = peer->owner;
    end->closed = true;
    work_peer_closed(peer);
}

static int setup(void **state)
{
    static struct end end;
    int pair[2];
    struct link *link;
    end = (struct end){.loop = loop_new()};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || link_adopt(end.loop, pair[0], &link))
        return -1;
    end.other = pair[1];
    end.peer = work_peer_new(link, &end, end_frame, end_closed);
    *state = &end;
    return 0;
}

static int teardown(void **state)
{
    struct end *end = *state;
    if (end->other >= 0)
        close(end->other);
    for (int i = 0; i < 100 && !end->closed; i++)
        loop_turn(end->loop, 10);
    loop_free(end->loop);
    return end->closed ? 0 : -1;
}

static void request_put(struct buf *b, uint8_t flags, const char *tenant)
{
    struct req req = {.method = HTTP_POST,
                      .minor = 1,
                      .target = SLICE("/api/v1/records/lead"),
                      .path = SLICE("/api/v1/records/lead"),
                      .host = SLICE("acme.example.com"),
                      .has_body = true,
                      .content_length = 2,
                      .body = SLICE("{}"),
                      .body_bytes = 2,
                      .trace = "0123456789abcdef",
                      .address = "127.0.0.1"};
    buf_put_u8(b, flags);
    buf_put_bytes(b, slice_str(tenant));
    req_encode(&req, b);
}

static struct work *work_of(struct end *end, uint64_t tag)
{
    struct buf b = BUF_INIT;
    request_put(&b, WORK_PREPARE, "acme");
    struct work *work = work_new(end->peer, tag, buf_slice(&b));
    buf_release(&b);
    assert_non_null(work);
    return work;
}

static enum frame_kind frame_of(struct end *end, uint64_t *tag, struct buf *body)
{
    enum frame_kind kind = FRAME_NONE;
    loop_turn(end->loop, 0);
    assert_int_equal(frame_read(end->other, 5000, &kind, tag, body), ERR_OK);
    return kind;
}

static void test_work__request_is_read_back_whole(void **state)
{
    struct end *end = *state;
    struct work *work = work_of(end, 5);
    assert_string_equal(work->tenant, "acme");
    assert_true(work->is_prepare);
    assert_false(work->is_operator);
    assert_int_equal(work->req.method, HTTP_POST);
    assert_true(slice_is(work->req.body, "{}"));
    assert_int_equal(end->peer->works, 1);
    work_free(work);
    assert_int_equal(end->peer->works, 0);
}

static void test_work__every_cut_frame_is_refused(void **state)
{
    struct end *end = *state;
    struct buf b = BUF_INIT;
    request_put(&b, 0, "acme");
    for (size_t n = 0; n < b.len; n++)
        assert_null(work_new(end->peer, 1, slice_of(b.at, n)));
    assert_int_equal(end->peer->works, 0);
    buf_release(&b);
}

static void test_work__refusal_carries_status_tag_and_time(void **state)
{
    struct end *end = *state;
    struct work *work = work_of(end, 9);
    work_refuse(work, ERR_BUSY, 3);
    work_free(work);
    struct buf body = BUF_INIT;
    uint64_t tag = 0;
    assert_int_equal(frame_of(end, &tag, &body), FRAME_ANSWER);
    assert_int_equal(tag, 9);
    struct arena *arena = arena_new();
    struct resp resp;
    assert_int_equal(resp_decode(arena, buf_slice(&body), &resp), ERR_OK);
    assert_int_equal(resp.status, 503);
    struct buf head = BUF_INIT;
    resp_put_head(&resp, NULL, RESP_LEN_BODY, &head);
    assert_non_null(strstr(buf_cstr(&head), "Retry-After: 3"));
    buf_release(&head);
    resp_release(&resp);
    arena_free(arena);
    buf_release(&body);
}

static void test_work__returned_work_asks_to_be_sent_again(void **state)
{
    struct end *end = *state;
    struct work *work = work_of(end, 4);
    work_return(work);
    work_free(work);
    struct buf body = BUF_INIT;
    uint64_t tag = 0;
    assert_int_equal(frame_of(end, &tag, &body), FRAME_MOVE);
    assert_int_equal(tag, 4);
    buf_release(&body);
}

/* The peer outlives its link until the last of its works is done, and no longer. */
static void test_work__peer_that_has_gone_gets_no_answer(void **state)
{
    struct end *end = *state;
    struct work *first = work_of(end, 1), *second = work_of(end, 2);
    close(end->other);
    end->other = -1;
    for (int i = 0; i < 100 && !end->closed; i++)
        loop_turn(end->loop, 10);
    assert_true(end->closed);
    assert_true(first->peer->is_closed);
    work_refuse(first, ERR_BUSY, 1);
    work_free(first);
    work_return(second);
    work_free(second);
}

static void test_work__cancelled_work_is_not_answered(void **state)
{
    struct end *end = *state;
    struct work *gone = work_of(end, 1), *next = work_of(end, 2);
    gone->is_cancelled = true;
    work_refuse(gone, ERR_BUSY, 1);
    work_free(gone);
    work_refuse(next, ERR_BUSY, 1);
    work_free(next);
    struct buf body = BUF_INIT;
    uint64_t tag = 0;
    assert_int_equal(frame_of(end, &tag, &body), FRAME_ANSWER);
    assert_int_equal(tag, 2);
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work__request_is_read_back_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_work__every_cut_frame_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_work__refusal_carries_status_tag_and_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_work__returned_work_asks_to_be_sent_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_work__peer_that_has_gone_gets_no_answer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_work__cancelled_work_is_not_answered, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
