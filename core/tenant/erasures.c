/* erasures - see erasures.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/erasures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "tenant/control.h"
#include "tenant/folder.h"

static bool is_entity(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return len && !name[len] && len <= NAME_BYTES_MAX;
}

static enum err append(const char *path, struct slice line)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return folder_err(errno);
    ssize_t n = write(fd, line.at, line.len);
    enum err e = n == (ssize_t)line.len ? ERR_OK : folder_err(n < 0 ? errno : ENOSPC);
    if (!e && fsync(fd) != 0)
        e = folder_err(errno);
    (void)close(fd);
    return e;
}

enum err erasures_note(const char *data, const char *tenant, const struct erasure *note)
{
    ASSERT(data && tenant && note);
    char folder[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX], id[ID_TEXT_LEN + 1];
    if (!control_name_is_valid(tenant) || !is_entity(note->entity) || note->record <= 0)
        return ERR_MALFORMED;
    folder_join(folder, data, "erasures");
    folder_join(path, folder, tenant);
    enum err e = folder_make(folder);
    if (e)
        return e;
    struct buf line = BUF_INIT;
    id_text(note->record, id);
    /* A line that a crash has torn ends here. */
    buf_printf(&line, "\n%lld %s %s\n", (long long)note->at_ms, note->entity, id);
    e = append(path, buf_slice(&line));
    buf_release(&line);
    return e ? e : folder_sync(folder);
}

static bool read_line(struct arena *arena, struct slice line, struct erasure *out)
{
    struct slice at = slice_split(&line, ' '), entity = slice_split(&line, ' ');
    if (!slice_to_int(at, &out->at_ms) || !id_parse(line, &out->record))
        return false;
    out->entity = arena_str(arena, entity);
    return is_entity(out->entity);
}

static enum err read_all(const char *path, struct buf *out)
{
    char part[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK : folder_err(errno);
    ssize_t n;
    while ((n = read(fd, part, sizeof part)) > 0)
        buf_put_slice(out, slice_of(part, (size_t)n));
    enum err e = n < 0 ? folder_err(errno) : ERR_OK;
    (void)close(fd);
    return e;
}

enum err erasures_read(struct arena *arena, const char *data, const char *tenant, int64_t after_ms,
                       struct erasure **out, int *count)
{
    ASSERT(arena && data && tenant && out && count);
    char folder[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX];
    struct buf text = BUF_INIT;
    folder_join(folder, data, "erasures");
    folder_join(path, folder, tenant);
    *count = 0;
    *out = NULL;
    if (!control_name_is_valid(tenant))
        return ERR_MALFORMED;
    enum err e = read_all(path, &text);
    struct slice rest = buf_slice(&text);
    while (!e && rest.len) {
        struct erasure one;
        if (!read_line(arena, slice_split(&rest, '\n'), &one) || one.at_ms <= after_ms)
            continue;
        *out =
            arena_grow(arena, *out, (size_t)*count * sizeof one, ((size_t)*count + 1) * sizeof one);
        (*out)[(*count)++] = one;
    }
    buf_release(&text);
    return e;
}

enum err erasures_has(struct arena *arena, const char *data, const char *tenant, const char *entity,
                      int64_t record, bool *out)
{
    struct erasure *notes;
    int count;
    enum err e = erasures_read(arena, data, tenant, -1, &notes, &count);
    if (e)
        return e;
    *out = false;
    for (int i = 0; i < count && !*out; i++)
        *out = notes[i].record == record && strcmp(notes[i].entity, entity) == 0;
    return ERR_OK;
}
