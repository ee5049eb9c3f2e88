/* package - see package.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/package.h"

#include <zip.h>

#include "base/limits_document.h"

#define MADE_AT 315532800 /* 1980-01-01, the first day a zip archive knows */

static enum err refuse(const char **why, enum err e, const char *sentence)
{
    *why = sentence;
    return e;
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* Reads to the end, never more than `left` bytes: sizes in the archive may lie. */
static enum err unpack(struct arena *arena, zip_t *zip, zip_uint64_t index, size_t left,
                       struct slice *out, const char **why)
{
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(zip, index, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE))
        return refuse(why, ERR_MALFORMED, "The file is no office document.");
    if (stat.size > left)
        return refuse(why, ERR_TOO_LARGE, "The document is too large when it is unpacked.");
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    if (!file)
        return refuse(why, ERR_MALFORMED, "A part of the document cannot be unpacked.");
    char *bytes = arena_alloc(arena, stat.size + 1);
    zip_int64_t got = 0;
    size_t n = 0;
    while (n < stat.size && (got = zip_fread(file, bytes + n, stat.size - n)) > 0)
        n += (size_t)got;
    char more;
    bool fits = n == stat.size && got >= 0 && zip_fread(file, &more, 1) == 0;
    (void)zip_fclose(file);
    if (!fits)
        return refuse(why, ERR_MALFORMED, "A part of the document is damaged.");
    *out = slice_of(bytes, n);
    return ERR_OK;
}

static enum err read_parts(struct arena *arena, zip_t *zip, struct package *out, const char **why)
{
    zip_int64_t count = zip_get_num_entries(zip, 0);
    size_t left = PACKAGE_BYTES_MAX;
    if (count <= 0)
        return refuse(why, ERR_MALFORMED, "The file is no office document.");
    if (count > PACKAGE_ENTRIES_MAX)
        return refuse(why, ERR_TOO_LARGE, "The document has too many parts.");
    out->parts = arena_array(arena, struct package_part, (size_t)count);
    for (zip_int64_t i = 0; i < count; i++) {
        struct package_part *part = &out->parts[out->count];
        const char *name = zip_get_name(zip, (zip_uint64_t)i, ZIP_FL_ENC_GUESS);
        if (!name || !*name)
            return refuse(why, ERR_MALFORMED, "The file is no office document.");
        part->name = arena_strdup(arena, name);
        if (name[strlen(name) - 1] == '/')
            continue;
        enum err e = unpack(arena, zip, (zip_uint64_t)i, left, &part->bytes, why);
        if (e)
            return e;
        left -= part->bytes.len;
        out->count++;
    }
    return ERR_OK;
}

enum err package_read(struct arena *arena, struct slice bytes, struct package *out,
                      const char **why)
{
    ASSERT(arena && out && why);
    zip_error_t error;
    *out = (struct package){0};
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes.at, bytes.len, 0, &error);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    zip_error_fini(&error);
    if (!zip) {
        zip_source_free(source);
        return refuse(why, ERR_MALFORMED, "The file is no office document.");
    }
    enum err e = read_parts(arena, zip, out, why);
    zip_discard(zip);
    return e;
}

struct package_part *package_find(const struct package *package, const char *name)
{
    for (int i = 0; i < package->count; i++)
        if (strcmp(package->parts[i].name, name) == 0)
            return &package->parts[i];
    return NULL;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static bool put_part(zip_t *zip, const struct package_part *part)
{
    zip_source_t *source = zip_source_buffer(zip, part->bytes.at, part->bytes.len, 0);
    if (!source)
        return false;
    zip_int64_t at = zip_file_add(zip, part->name, source, ZIP_FL_ENC_UTF_8);
    if (at < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_file_set_mtime(zip, (zip_uint64_t)at, MADE_AT, 0) == 0;
}

/* What was written into the memory behind the archive. */
static bool take_bytes(zip_source_t *memory, struct buf *out)
{
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_source_stat(memory, &stat) != 0 || zip_source_open(memory) != 0)
        return false;
    buf_reserve(out, stat.size);
    zip_int64_t got = zip_source_read(memory, out->at + out->len, stat.size);
    (void)zip_source_close(memory);
    if (got < 0 || (zip_uint64_t)got != stat.size)
        return false;
    out->len += (size_t)got;
    return true;
}

enum err package_write(const struct package *package, struct buf *out)
{
    ASSERT(package && out);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *memory = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *zip = NULL;
    if (memory) {
        zip_source_keep(memory);
        zip = zip_open_from_source(memory, ZIP_CREATE | ZIP_TRUNCATE, &error);
    }
    zip_error_fini(&error);
    bool ok = zip != NULL;
    for (int i = 0; i < package->count && ok; i++)
        ok = put_part(zip, &package->parts[i]);
    if (zip && (!ok || zip_close(zip) != 0)) {
        zip_discard(zip);
        ok = false;
    }
    ok = ok && take_bytes(memory, out);
    zip_source_free(memory);
    if (!zip)
        zip_source_free(memory);
    return ok ? ERR_OK : ERR_IO;
}
