/* fuzz_xlsx - workbooks in any bytes: as an archive, as the sheet and as the other parts of one.
 *
 * Whatever is read has to be CSV that can be read again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/csv.h"
#include "document/package.h"
#include "document/xlsx.h"

#define UNPACKED_MAX (4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err collect(void *arg, struct slice chunk)
{
    struct buf *out = arg;
    if (out->len + chunk.len > UNPACKED_MAX)
        return ERR_TOO_LARGE;
    buf_put_slice(out, chunk);
    return ERR_OK;
}

static void read_again(struct arena *arena, struct slice text)
{
    struct csv *csv;
    struct slice *cells;
    int count = 0;
    if (csv_new(text, &csv) != ERR_OK)
        return; /* only blank lines, or not UTF-8 */
    do {
        enum err e = csv_next(csv, arena, &cells, &count);
        ASSERT(e == ERR_OK || e == ERR_MALFORMED || e == ERR_TOO_LARGE);
        if (e)
            break;
    } while (count > 0);
    csv_free(csv);
}

static void read_book(struct arena *arena, struct slice bytes)
{
    struct buf out = BUF_INIT;
    const char *code = NULL;
    enum err e = xlsx_read(bytes, UNPACKED_MAX, collect, &out, &code);
    ASSERT(e == ERR_OK || e == ERR_MALFORMED || e == ERR_TOO_LARGE);
    if (!e)
        read_again(arena, arena_slice(arena, buf_slice(&out)));
    buf_release(&out);
}

static void read_parts(struct arena *arena, struct slice sheet, struct slice other)
{
    struct package_part parts[] = {
        {"xl/workbook.xml", SLICE("<workbook xmlns:r=\"r\"><sheets><sheet r:id=\"a\"/></sheets>"
                                  "</workbook>")},
        {"xl/_rels/workbook.xml.rels",
         SLICE("<Relationships><Relationship Id=\"a\" Target=\"s.xml\"/></Relationships>")},
        {"xl/sharedStrings.xml", other},
        {"xl/styles.xml", other},
        {"xl/s.xml", sheet},
    };
    struct package package = {parts, 5};
    struct buf packed = BUF_INIT;
    ASSERT(package_write(&package, &packed) == ERR_OK);
    read_book(arena, arena_slice(arena, buf_slice(&packed)));
    buf_release(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct slice bytes = arena_slice(arena, slice_of((const char *)data, size));
    read_book(arena, bytes);
    read_parts(arena, bytes, SLICE("<sst><si><t>x</t></si></sst>"));
    read_parts(arena, SLICE("<w><row><c s=\"1\"><v>1.5</v></c><c t=\"s\"><v>0</v></c></row></w>"),
               bytes);
    arena_free(arena);
    return 0;
}
