/* csv - RFC 4180 reading and writing, streamed.
 *
 * Every byte that shapes a record (quote, delimiter, line end) is below 0x30 and so never part of a
 * GB18030 character: records are cut in the source's own encoding, then the cells are converted.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/csv.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"

#define SNIFF_RECORDS 20 /* looked at to tell the delimiter */
#define SNIFF_BYTES   65536

_Static_assert(CSV_CELL_BYTES_MAX <= CSV_RECORD_BYTES_MAX, "a legal cell fits a record");

/* One record as it is cut. */
struct cut {
    size_t at;       /* in the source; behind the record at the end */
    struct buf *out; /* unquoted bytes of all cells, or NULL to count only */
    size_t cell;     /* where the current cell begins in out */
    size_t *ends;    /* where each cell ends in out; IMPORT_COLUMNS_MAX of them */
    int count;
    bool is_wide, is_large, is_open; /* too many cells; too many bytes; a quote never closed */
};

struct csv {
    struct slice source; /* borrowed */
    size_t begin;        /* the first record, behind BOM and sep= */
    int64_t begin_line;
    size_t at;
    bool counts_rows;    /* what came from a sheet: a record is one line, whatever is in it */
    int64_t line;        /* of `at`, from 1 */
    int64_t record_line; /* where the last record began */
    int resumes;
    char delimiter;
    bool is_utf8;
    iconv_t iconv;   /* owned unless is_utf8 */
    struct buf text; /* owned; the record being cut */
    size_t ends[IMPORT_COLUMNS_MAX];
    const char *why;
};

/* ---- cutting records ---- */

static void bytes_put(struct cut *cut, const char *at, size_t len)
{
    if (!cut->out || cut->is_large || cut->is_wide)
        return;
    if (cut->out->len - cut->cell + len > CSV_CELL_BYTES_MAX ||
        cut->out->len + len > CSV_RECORD_BYTES_MAX)
        cut->is_large = true;
    else
        buf_put(cut->out, at, len);
}

static void cell_end(struct cut *cut)
{
    if (cut->count == IMPORT_COLUMNS_MAX) {
        cut->is_wide = true;
        return;
    }
    if (cut->out) {
        cut->ends[cut->count] = cut->out->len;
        cut->cell = cut->out->len;
    }
    cut->count++;
}

/* Whether a cell may end at i: a delimiter, a line end, the end of the file. */
static bool is_cell_end(const struct csv *csv, size_t i)
{
    if (i >= csv->source.len)
        return true;
    char c = csv->source.at[i];
    return c == csv->delimiter || c == '\n' || c == '\r';
}

/* Behind the opening quote. The search ends where no legal cell would. */
static void quoted_cut(const struct csv *csv, struct cut *cut)
{
    const char *s = csv->source.at;
    size_t most = csv->source.len - cut->at;
    if (most > CSV_CELL_BYTES_MAX)
        most = CSV_CELL_BYTES_MAX;
    size_t limit = cut->at + most;
    while (cut->at < limit) {
        const char *quote = memchr(s + cut->at, '"', limit - cut->at);
        if (!quote)
            break;
        size_t i = (size_t)(quote - s);
        bytes_put(cut, s + cut->at, i - cut->at);
        cut->at = i + 1;
        if (cut->at < csv->source.len && s[cut->at] == '"') {
            bytes_put(cut, "\"", 1);
            cut->at++;
            continue;
        }
        size_t end = cut->at;
        while (end < csv->source.len && !is_cell_end(csv, end) && (s[end] == ' ' || s[end] == '\t'))
            end++;
        if (is_cell_end(csv, end)) {
            cut->at = end;
            return;
        }
        bytes_put(cut, "\"", 1); /* stray: a plain character */
    }
    cut->is_open = true;
}

static void plain_cut(const struct csv *csv, struct cut *cut)
{
    size_t end = cut->at;
    while (!is_cell_end(csv, end))
        end++;
    bytes_put(cut, csv->source.at + cut->at, end - cut->at);
    cut->at = end;
}

/* Behind one CRLF, LF or CR. */
static size_t line_end_skip(struct slice s, size_t at)
{
    if (at < s.len && s.at[at] == '\r')
        return at + 1 < s.len && s.at[at + 1] == '\n' ? at + 2 : at + 1;
    return at < s.len && s.at[at] == '\n' ? at + 1 : at;
}

/* Cuts the record at cut->at and stands behind its line end; with an open quote, anywhere. */
static void record_cut(const struct csv *csv, struct cut *cut)
{
    for (;;) {
        if (cut->at < csv->source.len && csv->source.at[cut->at] == '"') {
            cut->at++;
            quoted_cut(csv, cut);
            if (cut->is_open)
                return;
        } else {
            plain_cut(csv, cut);
        }
        cell_end(cut);
        if (cut->at >= csv->source.len || csv->source.at[cut->at] != csv->delimiter)
            break;
        cut->at++;
    }
    cut->at = line_end_skip(csv->source, cut->at);
}

static int64_t lines_in(struct slice s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.at[i] == '\n' || (s.at[i] == '\r' && (i + 1 == s.len || s.at[i + 1] != '\n'));
    return n;
}

/* ---- what kind of file it is ---- */

/* Two bytes 81-FE 40-7E|80-FE, or four 81-FE 30-39 81-FE 30-39 (GB 18030-2005). */
static bool is_gb18030(struct slice s)
{
    const unsigned char *b = (const unsigned char *)s.at;
    for (size_t i = 0; i < s.len;) {
        if (b[i] < 0x80) {
            i++;
            continue;
        }
        if (b[i] == 0x80 || b[i] == 0xff || i + 1 >= s.len)
            return false;
        if (b[i + 1] >= 0x30 && b[i + 1] <= 0x39) {
            if (i + 3 >= s.len || b[i + 2] < 0x81 || b[i + 2] == 0xff || b[i + 3] < 0x30 ||
                b[i + 3] > 0x39)
                return false;
            i += 4;
        } else if (b[i + 1] >= 0x40 && b[i + 1] != 0x7f && b[i + 1] != 0xff) {
            i += 2;
        } else {
            return false;
        }
    }
    return true;
}

/* How well a delimiter explains the first lines: records that are as wide as the first one, then
 * their width. One column explains nothing. */
static int delimiter_score(const struct csv *csv, char delimiter)
{
    struct csv probe = *csv;
    probe.delimiter = delimiter;
    if (probe.source.len - probe.begin > SNIFF_BYTES)
        probe.source.len = probe.begin + SNIFF_BYTES;
    size_t at = probe.begin;
    int width = 0, same = 0;
    for (int i = 0; i < SNIFF_RECORDS && at < probe.source.len; i++) {
        struct cut cut = {.at = at};
        record_cut(&probe, &cut);
        if (cut.is_open || (cut.at == probe.source.len && same > 0))
            break; /* perhaps cut short by SNIFF_BYTES */
        if (width == 0)
            width = cut.count;
        same += cut.count == width;
        at = cut.at;
    }
    return width < 2 ? 0 : same * (IMPORT_COLUMNS_MAX + 1) + width;
}

static void delimiter_find(struct csv *csv)
{
    struct slice rest = slice_of(csv->source.at + csv->begin, csv->source.len - csv->begin);
    if (slice_starts(rest, SLICE(CSV_ROWS_HEAD))) {
        csv->delimiter = ',';
        csv->begin += strlen(CSV_ROWS_HEAD);
        csv->counts_rows = true;
        return;
    }
    if (rest.len >= 5 && slice_eq_nocase(slice_of(rest.at, 4), SLICE("sep=")) &&
        strchr(",;\t", rest.at[4]) && line_end_skip(rest, 5) > 5) {
        csv->delimiter = rest.at[4];
        csv->begin += line_end_skip(rest, 5);
        csv->begin_line = 2;
        return;
    }
    int best = -1;
    for (const char *c = ",;\t"; *c; c++) {
        int score = delimiter_score(csv, *c);
        if (score > best) {
            best = score;
            csv->delimiter = *c;
        }
    }
}

enum err csv_new(struct slice source, struct csv **out)
{
    ASSERT(out);
    size_t begin = slice_starts(source, SLICE("\xEF\xBB\xBF")) ? 3 : 0;
    if (source.len == begin || memchr(source.at, '\0', source.len))
        return ERR_MALFORMED;
    bool is_utf8 = text_is_utf8(source);
    if (!is_utf8 && (begin > 0 || !is_gb18030(source)))
        return ERR_MALFORMED;

    struct csv *csv = calloc(1, sizeof(*csv));
    ASSERT_MEMORY(csv);
    csv->is_utf8 = is_utf8;
    if (!is_utf8) {
        csv->iconv = iconv_open("UTF-8", "GB18030");
        if (csv->iconv == (iconv_t)-1) {
            free(csv);
            return ERR_NOT_SUPPORTED;
        }
    }
    csv->source = source;
    csv->begin = begin;
    csv->begin_line = 1;
    csv->why = "";
    buf_init(&csv->text);
    buf_reserve(&csv->text, 1); /* so that even a record of empty cells has an address */
    delimiter_find(csv);
    csv->at = csv->begin;
    csv->line = csv->record_line = csv->begin_line;
    *out = csv;
    return ERR_OK;
}

void csv_free(struct csv *csv)
{
    if (!csv)
        return;
    if (!csv->is_utf8)
        (void)iconv_close(csv->iconv);
    buf_release(&csv->text);
    free(csv);
}

/* ---- records ---- */

/* No GB18030 character grows by more than half (two bytes to three). */
static bool cell_convert(struct csv *csv, struct slice raw, char *to, size_t room, size_t *len)
{
    char *in = (char *)(uintptr_t)raw.at;
    char *at = to;
    size_t in_left = raw.len, out_left = room;
    (void)iconv(csv->iconv, NULL, NULL, NULL, NULL);
    if (raw.len > 0 && iconv(csv->iconv, &in, &in_left, &at, &out_left) == (size_t)-1)
        return false;
    *len = room - out_left;
    return in_left == 0;
}

static bool cells_make(struct csv *csv, struct arena *arena, int count, struct slice *cells)
{
    size_t total = csv->text.len;
    size_t room = (csv->is_utf8 ? total : total + total / 2) + (size_t)count;
    char *to = arena_alloc(arena, room);
    size_t from = 0;
    for (int i = 0; i < count; i++) {
        struct slice raw = slice_of(csv->text.at + from, csv->ends[i] - from);
        size_t len = raw.len;
        if (raw.len > 0 && csv->is_utf8)
            memcpy(to, raw.at, raw.len);
        else if (raw.len > 0 && !cell_convert(csv, raw, to, raw.len + raw.len / 2, &len))
            return false;
        cells[i] = slice_of(to, len);
        to[len] = '\0';
        to += len + 1;
        from = csv->ends[i];
    }
    return true;
}

/* The record has a quote that never closes: it loses its first line, reading goes on behind. */
static enum err record_resume(struct csv *csv, size_t start)
{
    csv->at = start;
    while (csv->at < csv->source.len && csv->source.at[csv->at] != '\n' &&
           csv->source.at[csv->at] != '\r')
        csv->at++;
    csv->at = line_end_skip(csv->source, csv->at);
    csv->line++;
    csv->why = "quote_open";
    if (++csv->resumes > CSV_RESUMES_MAX) {
        csv->at = csv->source.len;
        csv->why = "quotes_open";
    }
    return ERR_MALFORMED;
}

enum err csv_next(struct csv *csv, struct arena *arena, struct slice **cells, int *count)
{
    ASSERT(arena && cells && count);
    while (csv->at < csv->source.len && line_end_skip(csv->source, csv->at) > csv->at) {
        csv->at = line_end_skip(csv->source, csv->at);
        csv->line++;
    }
    csv->record_line = csv->line;
    if (csv->at >= csv->source.len) {
        *count = 0;
        return ERR_OK;
    }

    size_t start = csv->at;
    buf_clear(&csv->text);
    struct cut cut = {.at = start, .out = &csv->text, .ends = csv->ends};
    record_cut(csv, &cut);
    if (cut.is_open)
        return record_resume(csv, start);
    csv->at = cut.at;
    csv->line += csv->counts_rows ? 1 : lines_in(slice_of(csv->source.at + start, cut.at - start));
    if (cut.is_large || cut.is_wide) {
        csv->why = cut.is_wide ? "too_many_columns" : "cell_too_large";
        return ERR_TOO_LARGE;
    }
    struct slice *made = arena_array(arena, struct slice, (size_t)cut.count);
    if (!cells_make(csv, arena, cut.count, made)) {
        csv->why = "bad_character";
        return ERR_MALFORMED;
    }
    *cells = made;
    *count = cut.count;
    return ERR_OK;
}

int64_t csv_line(const struct csv *csv)
{
    return csv->record_line;
}

int64_t csv_offset(const struct csv *csv)
{
    return (int64_t)csv->at;
}

int64_t csv_offset_line(const struct csv *csv)
{
    return csv->line;
}

void csv_seek(struct csv *csv, int64_t offset, int64_t line)
{
    ASSERT(offset >= 0 && (uint64_t)offset <= csv->source.len);
    bool before = (size_t)offset < csv->begin;
    csv->at = before ? csv->begin : (size_t)offset;
    csv->line = csv->record_line = before ? csv->begin_line : line;
}

const char *csv_why(const struct csv *csv)
{
    return csv->why;
}

const char *csv_encoding(const struct csv *csv)
{
    return csv->is_utf8 ? "utf-8" : "gb18030";
}

char csv_delimiter(const struct csv *csv)
{
    return csv->delimiter;
}

/* ---- writing ---- */

/* -12.50: a spreadsheet makes it a number, as it should. */
static bool is_negative_number(struct slice cell)
{
    bool digit = false, point = false;
    for (size_t i = 1; i < cell.len; i++) {
        if (cell.at[i] >= '0' && cell.at[i] <= '9')
            digit = true;
        else if (cell.at[i] == '.' && digit && !point)
            point = true;
        else
            return false;
    }
    return digit && cell.len > 0 && cell.at[0] == '-';
}

/* ASVS 1.2.10. The full-width forms start a formula in some East Asian settings. */
static bool is_formula(struct slice cell)
{
    static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (slice_starts(cell, slice_str(starts[i])))
            return !is_negative_number(cell);
    }
    return false;
}

static bool needs_quotes(struct slice cell)
{
    if (cell.len == 0)
        return false;
    if (cell.at[0] == ' ' || cell.at[cell.len - 1] == ' ')
        return true;
    for (size_t i = 0; i < cell.len; i++) {
        if (strchr(",\"\r\n;\t", cell.at[i]))
            return true;
    }
    return false;
}

void csv_put_bom(struct buf *out)
{
    buf_put(out, "\xEF\xBB\xBF", 3);
}

void csv_put_cell(struct buf *out, struct slice cell, bool first)
{
    if (!first)
        buf_put_char(out, ',');
    bool quoted = needs_quotes(cell);
    if (quoted)
        buf_put_char(out, '"');
    if (is_formula(cell))
        buf_put_char(out, '\'');
    while (quoted && cell.len > 0) {
        bool more = memchr(cell.at, '"', cell.len) != NULL;
        buf_put_slice(out, slice_split(&cell, '"'));
        if (more)
            buf_put(out, "\"\"", 2);
    }
    buf_put_slice(out, cell);
    if (quoted)
        buf_put_char(out, '"');
}

void csv_put_end(struct buf *out)
{
    buf_put(out, "\r\n", 2);
}
