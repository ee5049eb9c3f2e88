/* xlsx_read - a workbook's first visible sheet as CSV, part by part through expat.
 *
 * A sheet is never held: its rows are written as they come. Held are the shared texts and what each
 * style stands for. See xlsx.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/csv.h"
#include "document/xlsx.h"

#include <expat.h>
#include <stdlib.h>
#include <zip.h>

#include "base/arena.h"
#include "base/limits_document.h"
#include "base/text.h"
#include "document/csv.h"
#include "document/xlsx_in.h"

#define READ_BYTES  (64 << 10) /* unpacked and handed on at a time */
#define NAME_BYTES  256        /* of a part or a relation */
#define CELL_COLUMN 26         /* letters */

enum text_state { TEXT_NONE, TEXT_VALUE, TEXT_INLINE, TEXT_PHONETIC };

struct sheet {
    char name[NAME_BYTES]; /* of the relation, then of the part */
    bool found;
};

struct workbook {
    zip_t *zip;
    XML_Parser parser; /* of the part that is being read */
    enum err e;
    const char *code; /* why, where e is set */
    int64_t left;     /* bytes that may still be unpacked */
    int depth, sheets;
    bool since_1904;
    struct sheet sheet;
    /* shared texts: one behind the other, and where each begins */
    struct buf texts, starts;
    int texts_count;
    bool in_phonetic, in_text;
    /* styles */
    struct buf formats; /* struct format each */
    struct buf kinds;   /* a byte for each style */
    bool in_styles;
    /* the sheet */
    xlsx_cb cb;
    void *arg;
    struct buf out, value;
    struct slice cells[XLSX_COLUMNS_MAX];
    struct arena *arena; /* of the row */
    int column, last;    /* of the cell; how many cells the row has */
    int64_t row, told;   /* the row's number; how many lines have been written */
    char type[12];
    int style;
    enum text_state state;
};

struct format {
    int number;
    enum xlsx_kind kind;
};

static void refuse(struct workbook *r, enum err e, const char *code)
{
    if (r->e)
        return;
    r->e = e;
    r->code = code;
    if (r->parser)
        (void)XML_StopParser(r->parser, XML_FALSE);
}

/* --- XML ----------------------------------------------------------------------------------------
 */

/* "x:row" is row: prefixes are a matter of who wrote it. */
static const char *local(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}

static bool is(const char *name, const char *wanted)
{
    return strcmp(local(name), wanted) == 0;
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (is(*attributes, name))
            return attributes[1];
    return NULL;
}

static int number_of(const char *text, int fallback)
{
    char *end;
    if (!text)
        return fallback;
    long n = strtol(text, &end, 10);
    return *end || end == text || n < 0 || n > XLSX_ROWS_MAX ? -1 : (int)n;
}

/* Deeper than any workbook is. */
static bool enter(struct workbook *r)
{
    if (++r->depth > XML_DEPTH_MAX)
        refuse(r, ERR_MALFORMED, "bad_xlsx");
    return !r->e;
}

static void on_doctype(void *arg, const char *name, const char *system, const char *public, int own)
{
    (void)name;
    (void)system;
    (void)public;
    (void)own;
    refuse(arg, ERR_MALFORMED, "bad_xlsx");
}

/* Unpacks and parses; what the archive says of sizes is not believed. */
static void parse_entry(struct workbook *r, zip_file_t *file)
{
    zip_int64_t got;
    do {
        void *bytes = XML_GetBuffer(r->parser, READ_BYTES);
        got = bytes ? zip_fread(file, bytes, READ_BYTES) : -1;
        r->left -= got;
        if (got < 0)
            refuse(r, ERR_MALFORMED, "bad_xlsx");
        else if (r->left < 0)
            refuse(r, ERR_TOO_LARGE, "xlsx_too_large");
        else if (XML_ParseBuffer(r->parser, (int)got, got == 0) != XML_STATUS_OK)
            refuse(r, ERR_MALFORMED, "bad_xlsx");
    } while (!r->e && got > 0);
}

static bool part_exists(struct workbook *r, const char *name)
{
    return zip_name_locate(r->zip, name, ZIP_FL_NOCASE) >= 0;
}

static void parse_part(struct workbook *r, const char *name, XML_StartElementHandler start,
                       XML_EndElementHandler end, XML_CharacterDataHandler text)
{
    zip_int64_t at = r->e ? -1 : zip_name_locate(r->zip, name, ZIP_FL_NOCASE);
    zip_file_t *file = at >= 0 ? zip_fopen_index(r->zip, (zip_uint64_t)at, 0) : NULL;
    if (!file) {
        refuse(r, ERR_MALFORMED, "bad_xlsx");
        return;
    }
    r->parser = XML_ParserCreate(NULL);
    ASSERT_MEMORY(r->parser);
    r->depth = 0;
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, start, end);
    XML_SetCharacterDataHandler(r->parser, text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    parse_entry(r, file);
    XML_ParserFree(r->parser);
    r->parser = NULL;
    (void)zip_fclose(file);
}

static void on_end(void *arg, const char *name)
{
    struct workbook *r = arg;
    (void)name;
    r->depth--;
}

/* --- which sheet --- */

static void workbook_start(void *arg, const char *name, const char **attributes)
{
    struct workbook *r = arg;
    const char *flag, *state, *relation;
    if (!enter(r))
        return;
    if (is(name, "workbookPr")) {
        flag = attribute(attributes, "date1904");
        r->since_1904 = flag && (strcmp(flag, "1") == 0 || strcmp(flag, "true") == 0);
    }
    if (!is(name, "sheet"))
        return;
    if (++r->sheets > XLSX_SHEETS_MAX) {
        refuse(r, ERR_TOO_LARGE, "xlsx_too_large");
        return;
    }
    state = attribute(attributes, "state");
    relation = NULL;
    for (const char **a = attributes; *a; a += 2)
        if (strchr(*a, ':') && is(*a, "id")) /* r:id, not sheetId */
            relation = a[1];
    if (r->sheet.found || !relation || (state && strcmp(state, "visible") != 0))
        return;
    if (strlen(relation) >= NAME_BYTES) {
        refuse(r, ERR_MALFORMED, "bad_xlsx");
        return;
    }
    strcpy(r->sheet.name, relation);
    r->sheet.found = true;
}

static void relations_start(void *arg, const char *name, const char **attributes)
{
    struct workbook *r = arg;
    if (!enter(r) || !is(name, "Relationship") || !r->sheet.found)
        return;
    const char *id = attribute(attributes, "Id"), *target = attribute(attributes, "Target");
    if (!id || !target || strcmp(id, r->sheet.name) != 0)
        return;
    const char *folder = *target == '/' ? "" : "xl/";
    target += *target == '/';
    if (strlen(folder) + strlen(target) >= NAME_BYTES) {
        refuse(r, ERR_MALFORMED, "bad_xlsx");
        return;
    }
    strcpy(r->sheet.name, folder);
    strcat(r->sheet.name, target);
    r->sheet.found = false; /* the name is that of the part now */
}

static void find_sheet(struct workbook *r)
{
    parse_part(r, "xl/workbook.xml", workbook_start, on_end, NULL);
    if (!r->e && !r->sheet.found)
        refuse(r, ERR_MALFORMED, "xlsx_no_sheet");
    parse_part(r, "xl/_rels/workbook.xml.rels", relations_start, on_end, NULL);
    if (!r->e && r->sheet.found)
        refuse(r, ERR_MALFORMED, "xlsx_no_sheet");
}

/* --- shared texts --- */

static void strings_start(void *arg, const char *name, const char **attributes)
{
    struct workbook *r = arg;
    (void)attributes;
    if (!enter(r))
        return;
    if (is(name, "si")) {
        uint32_t at = (uint32_t)r->texts.len;
        if (r->texts_count++ == XLSX_STRINGS_MAX)
            refuse(r, ERR_TOO_LARGE, "xlsx_too_large");
        buf_put(&r->starts, (const char *)&at, sizeof at);
    } else if (is(name, "rPh")) {
        r->in_phonetic = true; /* how to read it, not what it says */
    } else if (is(name, "t")) {
        r->in_text = !r->in_phonetic;
    }
}

static void strings_end(void *arg, const char *name)
{
    struct workbook *r = arg;
    r->depth--;
    if (is(name, "rPh"))
        r->in_phonetic = false;
    else if (is(name, "t"))
        r->in_text = false;
}

static void strings_text(void *arg, const char *text, int len)
{
    struct workbook *r = arg;
    if (!r->in_text || r->texts_count == 0)
        return;
    if (r->texts.len + (size_t)len > XLSX_STRINGS_BYTES_MAX)
        refuse(r, ERR_TOO_LARGE, "xlsx_too_large");
    else
        buf_put(&r->texts, text, (size_t)len);
}

static bool shared_text(const struct workbook *r, struct slice number, struct slice *out)
{
    int64_t n = 0;
    uint32_t from, to = (uint32_t)r->texts.len;
    if (number.len == 0 || number.len > 9)
        return false;
    for (size_t i = 0; i < number.len; i++) {
        if (number.at[i] < '0' || number.at[i] > '9')
            return false;
        n = n * 10 + (number.at[i] - '0');
    }
    if (n >= r->texts_count)
        return false;
    memcpy(&from, r->starts.at + (size_t)n * sizeof from, sizeof from);
    if (n + 1 < r->texts_count)
        memcpy(&to, r->starts.at + (size_t)(n + 1) * sizeof to, sizeof to);
    *out = slice_of(r->texts.at + from, to - from);
    return true;
}

/* --- styles --- */

/* As far as it goes; cells beyond it would lose what they are, and dates read as numbers. */
static void put_style(struct workbook *r, struct buf *to, const void *bytes, size_t len)
{
    if (to->len + len > XLSX_STYLES_MAX)
        refuse(r, ERR_TOO_LARGE, "xlsx_too_large");
    else
        buf_put(to, bytes, len);
}

static enum xlsx_kind kind_of_format(const struct workbook *r, int number)
{
    for (size_t at = 0; at < r->formats.len; at += sizeof(struct format)) {
        struct format format;
        memcpy(&format, r->formats.at + at, sizeof format);
        if (format.number == number)
            return format.kind;
    }
    return xlsx_kind_builtin(number);
}

static void styles_start(void *arg, const char *name, const char **attributes)
{
    struct workbook *r = arg;
    if (!enter(r))
        return;
    int number = number_of(attribute(attributes, "numFmtId"), 0);
    const char *code = attribute(attributes, "formatCode");
    if (is(name, "cellXfs")) {
        r->in_styles = true;
    } else if (is(name, "numFmt") && code && number >= 0) {
        struct format format = {number, xlsx_kind_of(slice_str(code))};
        put_style(r, &r->formats, &format, sizeof format); /* each style looks through them */
    } else if (is(name, "xf") && r->in_styles) {
        char kind = (char)kind_of_format(r, number);
        put_style(r, &r->kinds, &kind, 1);
    }
}

static void styles_end(void *arg, const char *name)
{
    struct workbook *r = arg;
    r->depth--;
    if (is(name, "cellXfs"))
        r->in_styles = false;
}

/* --- CSV --- */

static void flush(struct workbook *r)
{
    if (!r->e && r->out.len > 0)
        r->e = r->cb(r->arg, buf_slice(&r->out));
    buf_clear(&r->out);
    if (r->e && r->parser)
        (void)XML_StopParser(r->parser, XML_FALSE);
}

static void put_quoted(struct buf *out, struct slice text)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buf_put_char(out, '"');
        buf_put_char(out, text.at[i]);
    }
    buf_put_char(out, '"');
}

/* A row without a value is an empty line, so that lines and rows keep the same numbers. */
static void row_end(struct workbook *r)
{
    for (; r->told < r->row - 1; r->told++) {
        buf_put_char(&r->out, '\n');
        if (r->out.len >= READ_BYTES)
            flush(r);
    }
    for (int i = 0; i < r->last; i++) {
        if (i > 0)
            buf_put_char(&r->out, ',');
        if (r->cells[i].len > 0)
            put_quoted(&r->out, r->cells[i]);
    }
    buf_put_char(&r->out, '\n');
    r->told = r->row;
    memset(r->cells, 0, sizeof(struct slice) * (size_t)r->last);
    r->last = 0;
    arena_clear(r->arena);
    if (r->out.len >= READ_BYTES)
        flush(r);
}

/* --- the sheet --- */

/* "BC12": the letters. -1 where there are none. */
static int column_of(const char *reference)
{
    int column = 0;
    const char *c = reference;
    for (; (*c >= 'A' && *c <= 'Z') && column <= XLSX_COLUMNS_MAX; c++)
        column = column * CELL_COLUMN + (*c - 'A' + 1);
    return column - 1;
}

static void row_start(struct workbook *r, const char **attributes)
{
    int number = number_of(attribute(attributes, "r"), (int)r->row + 1);
    if (number <= r->row || number > XLSX_ROWS_MAX) {
        refuse(r, ERR_MALFORMED, "bad_xlsx");
        return;
    }
    r->row = number;
    r->column = -1;
}

static void cell_start(struct workbook *r, const char **attributes)
{
    const char *reference = attribute(attributes, "r"), *type = attribute(attributes, "t");
    r->column = reference ? column_of(reference) : r->column + 1;
    r->style = number_of(attribute(attributes, "s"), 0);
    snprintf(r->type, sizeof r->type, "%s", type ? type : "n");
    buf_clear(&r->value);
}

static void sheet_start(void *arg, const char *name, const char **attributes)
{
    struct workbook *r = arg;
    if (!enter(r))
        return;
    if (is(name, "row"))
        row_start(r, attributes);
    else if (is(name, "c"))
        cell_start(r, attributes);
    else if (is(name, "v"))
        r->state = TEXT_VALUE;
    else if (is(name, "rPh"))
        r->state = TEXT_PHONETIC;
    else if (is(name, "t") && r->state != TEXT_PHONETIC)
        r->state = TEXT_INLINE;
}

static void sheet_text(void *arg, const char *text, int len)
{
    struct workbook *r = arg;
    if (r->state != TEXT_VALUE && r->state != TEXT_INLINE)
        return;
    if (r->value.len + (size_t)len > XLSX_CELL_BYTES_MAX)
        refuse(r, ERR_TOO_LARGE, "xlsx_too_large");
    else
        buf_put(&r->value, text, (size_t)len);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "_x000D_" is a character that XML cannot hold or that would be taken for a line end. */
static void put_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        int code = 0;
        bool is_escape = i + 7 <= text.len && text.at[i] == '_' && text.at[i + 1] == 'x' &&
                         text.at[i + 6] == '_';
        for (size_t k = i + 2; is_escape && k < i + 6; k++) {
            int digit = hex_digit(text.at[k]);
            is_escape = digit >= 0;
            code = code * 16 + digit;
        }
        if (!is_escape || code > 0x7F) {
            buf_put_char(out, text.at[i]);
            continue;
        }
        if (code > 0 && code != '\r')
            buf_put_char(out, (char)code);
        i += 6;
    }
}

static void take_number(struct workbook *r, struct buf *text)
{
    enum xlsx_kind kind = XLSX_NUMBER;
    if (r->style >= 0 && (size_t)r->style < r->kinds.len)
        kind = (enum xlsx_kind)r->kinds.at[r->style];
    xlsx_put_value(text, kind, slice_trim(buf_slice(&r->value)), r->since_1904);
}

static void cell_end(struct workbook *r)
{
    struct buf text = BUF_INIT;
    struct slice shared, value = buf_slice(&r->value);
    if (value.len == 0)
        return; /* only a style */
    if (r->column < 0 || r->row == 0) {
        refuse(r, ERR_MALFORMED, "bad_xlsx");
        return;
    }
    if (r->column >= XLSX_COLUMNS_MAX) {
        refuse(r, ERR_TOO_LARGE, "xlsx_too_wide");
        return;
    }
    if (strcmp(r->type, "s") == 0) {
        if (shared_text(r, slice_trim(value), &shared))
            put_text(&text, shared);
        else
            refuse(r, ERR_MALFORMED, "bad_xlsx");
    } else if (strcmp(r->type, "b") == 0) {
        buf_put_str(&text, slice_is(slice_trim(value), "1") ? "true" : "false");
    } else if (strcmp(r->type, "n") == 0) {
        take_number(r, &text);
    } else { /* inlineStr, str (of a formula), e (an error), d (a day as text) */
        put_text(&text, value);
    }
    r->cells[r->column] = arena_slice(r->arena, buf_slice(&text));
    if (r->last <= r->column)
        r->last = r->column + 1;
    buf_release(&text);
}

static void sheet_end(void *arg, const char *name)
{
    struct workbook *r = arg;
    r->depth--;
    if (r->e)
        return;
    if (is(name, "v") || is(name, "t"))
        r->state = r->state == TEXT_PHONETIC ? TEXT_PHONETIC : TEXT_NONE;
    else if (is(name, "rPh"))
        r->state = TEXT_NONE;
    else if (is(name, "c"))
        cell_end(r);
    else if (is(name, "row") && r->last > 0)
        row_end(r);
}

/* --- in ----------------------------------------------------------------------------------------
 */

bool xlsx_is(struct slice bytes)
{
    return bytes.len >= 4 && memcmp(bytes.at, "PK\3\4", 4) == 0;
}

bool xlsx_is_old(struct slice bytes)
{
    return bytes.len >= 8 && memcmp(bytes.at, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8) == 0;
}

static void read_parts(struct workbook *r)
{
    find_sheet(r);
    if (!r->e && part_exists(r, "xl/sharedStrings.xml"))
        parse_part(r, "xl/sharedStrings.xml", strings_start, strings_end, strings_text);
    if (!r->e && part_exists(r, "xl/styles.xml"))
        parse_part(r, "xl/styles.xml", styles_start, styles_end, NULL);
    buf_put_str(&r->out, "\xEF\xBB\xBF" CSV_ROWS_HEAD);
    parse_part(r, r->sheet.name, sheet_start, sheet_end, sheet_text);
    if (!r->e && r->told == 0)
        refuse(r, ERR_MALFORMED, "xlsx_no_sheet");
    flush(r);
}

static void release(struct workbook *r)
{
    buf_release(&r->texts);
    buf_release(&r->starts);
    buf_release(&r->formats);
    buf_release(&r->kinds);
    buf_release(&r->out);
    buf_release(&r->value);
    arena_free(r->arena);
    free(r);
}

enum err xlsx_read(struct slice bytes, int64_t unpacked_max, xlsx_cb cb, void *arg,
                   const char **code)
{
    ASSERT(cb && code);
    zip_error_t error;
    struct workbook *r = calloc(1, sizeof *r);
    ASSERT_MEMORY(r);
    *r = (struct workbook){
        .left = unpacked_max, .cb = cb, .arg = arg, .arena = arena_new(), .column = -1};
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes.at, bytes.len, 0, &error);
    r->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    zip_error_fini(&error);
    if (!r->zip) {
        zip_source_free(source);
        refuse(r, ERR_MALFORMED, "bad_xlsx");
    } else if (zip_get_num_entries(r->zip, 0) > XLSX_ENTRIES_MAX) {
        refuse(r, ERR_TOO_LARGE, "xlsx_too_large");
    } else {
        read_parts(r);
    }
    zip_discard(r->zip);
    enum err e = r->e;
    if (e && r->code)
        *code = r->code;
    release(r);
    return e;
}
