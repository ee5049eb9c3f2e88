/* work - request frames in workers and runners.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/work.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

struct work_peer *work_peer_new(struct link *link, void *owner, link_frame_cb frame_cb,
                                link_close_cb close_cb)
{
    struct work_peer *peer = calloc(1, sizeof(*peer));
    ASSERT_MEMORY(peer);
    peer->link = link;
    peer->owner = owner;
    link_set(link, peer, frame_cb, close_cb);
    return peer;
}

static void peer_try_free(struct work_peer *peer)
{
    if (peer->is_closed && peer->works == 0)
        free(peer);
}

void work_peer_closed(struct work_peer *peer)
{
    peer->is_closed = true;
    peer_try_free(peer);
}

struct work *work_new(struct work_peer *peer, uint64_t tag, struct slice body)
{
    struct arena *arena = arena_new();
    struct work *work = arena_make(arena, struct work);
    *work = (struct work){.arena = arena, .peer = peer, .tag = tag, .arrived_us = clock_mono_us()};
    struct reader r = {.rest = body};
    uint8_t flags = reader_u8(&r);
    work->is_operator = flags & WORK_IS_OPERATOR;
    work->is_prepare = flags & WORK_PREPARE;
    work->tenant = arena_str(arena, reader_bytes(&r));
    if (r.bad || req_decode(arena, r.rest, &work->req)) {
        arena_free(arena);
        return NULL;
    }
    resp_init(&work->resp, arena);
    peer->works++;
    return work;
}

void work_again(struct work *work)
{
    if (work->call)
        pipeline_end(work->call);
    work->call = NULL;
    work->is_again = true;
    resp_release(&work->resp);
    resp_init(&work->resp, work->arena);
}

void work_free(struct work *work)
{
    struct work_peer *peer = work->peer;
    if (work->call)
        pipeline_end(work->call);
    resp_release(&work->resp);
    arena_free(work->arena);
    peer->works--;
    peer_try_free(peer);
}

/* An answer too long for a frame goes as a file in the tenant's tmp/, which the gateway sends and
 * unlinks. */
static enum err work_spool(struct work *work)
{
    struct resp *resp = &work->resp;
    const struct tenant *tenant = work->call ? work->call->ctx->tenant : NULL;
    if (!tenant)
        return ERR_TOO_LARGE;
    char *path = tenant_path(tenant, work->arena, "tmp",
                             arena_printf(work->arena, "answer-%s", work->req.trace));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ERR_IO;
    struct slice rest = buf_slice(&resp->body);
    ssize_t n = 0;
    while (rest.len && (n = write(fd, rest.at, rest.len)) > 0) {
        rest.at += n;
        rest.len -= (size_t)n;
    }
    if (close(fd) != 0 || rest.len) {
        unlink(path);
        return ERR_FULL;
    }
    buf_clear(&resp->body);
    resp->file_path = path;
    resp->file_is_temporary = true;
    if (!resp->content_type)
        resp->content_type = "application/json; charset=utf-8";
    return ERR_OK;
}

void work_answer(struct work *work)
{
    if (work->peer->is_closed || work->is_cancelled)
        return;
    if (work->resp.body.len > ANSWER_INLINE_BYTES_MAX) {
        enum err e = work_spool(work);
        if (e) {
            work_refuse(work, e, 0); /* short, so this does not come back here */
            return;
        }
    }
    struct buf b = BUF_INIT;
    resp_encode(&work->resp, &b);
    link_send(work->peer->link, FRAME_ANSWER, work->tag, buf_slice(&b));
    buf_release(&b);
}

void work_refuse(struct work *work, enum err e, int retry_after_s)
{
    struct err_info info;
    err_info_init(&info, work->arena);
    info.retry_after_s = retry_after_s;
    resp_clear(&work->resp);
    resp_error(&work->resp, e, &info, work->call ? work->call->ctx->lang : LANG_ZH,
               work->req.trace);
    work_answer(work);
}

void work_return(struct work *work)
{
    if (!work->peer->is_closed)
        link_send(work->peer->link, FRAME_MOVE, work->tag, (struct slice){0});
}
