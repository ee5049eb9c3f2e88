/* fuzz_csv - tables in any bytes; what was read is written and must read back the same.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "base/text.h"
#include "document/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writing adds a quote mark before a formula: cells that begin so are left out of the comparison.
 */
static bool is_plain(struct slice cell)
{
    struct buf b = BUF_INIT;
    csv_put_cell(&b, cell, true);
    bool plain = b.len == 0 || (cell.len > 0 && (b.at[0] == cell.at[0] || b.at[0] == '"'));
    if (plain && b.len > 1 && b.at[0] == '"')
        plain = b.at[1] != '\'' || cell.at[0] == '\'';
    buf_release(&b);
    return plain;
}

static void writes_back(struct arena *arena, const struct slice *cells, int count)
{
    struct buf b = BUF_INIT;
    bool plain =
        count > 1 && !slice_eq_nocase(cells[0], SLICE("sep=")); /* would name a delimiter */
    csv_put_bom(&b);
    for (int i = 0; i < count; i++) {
        csv_put_cell(&b, cells[i], i == 0);
        plain = plain && is_plain(cells[i]);
    }
    csv_put_end(&b);
    struct csv *csv;
    struct slice *back;
    int n;
    if (plain && b.len < 10000) {
        ASSERT(csv_new(buf_slice(&b), &csv) == ERR_OK);
        if (csv_delimiter(csv) == ',') { /* one line alone may look like another kind of table */
            ASSERT(csv_next(csv, arena, &back, &n) == ERR_OK);
            ASSERT(n == count);
            for (int i = 0; i < n; i++)
                ASSERT(slice_eq(back[i], cells[i]));
        }
        csv_free(csv);
    }
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv *csv;
    if (csv_new(slice_of((const char *)data, size), &csv))
        return 0;
    struct arena *arena = arena_new();
    int64_t before = -1;
    for (;;) {
        struct slice *cells = NULL;
        int count = -1;
        arena_clear(arena);
        enum err e = csv_next(csv, arena, &cells, &count);
        if (!e && count == 0)
            break;
        ASSERT(csv_offset(csv) > before);
        before = csv_offset(csv);
        if (e) {
            ASSERT(csv_why(csv)[0] != '\0');
            continue;
        }
        ASSERT(count > 0 && count <= IMPORT_COLUMNS_MAX);
        for (int i = 0; i < count; i++) {
            ASSERT(text_is_utf8(cells[i]));
            ASSERT(cells[i].at[cells[i].len] == '\0');
        }
        writes_back(arena, cells, count);
    }
    ASSERT(csv_offset(csv) == (int64_t)size);
    arena_free(arena);
    csv_free(csv);
    return 0;
}
