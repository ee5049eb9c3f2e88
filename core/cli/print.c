/* print - answers as tables for people.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

#define PRINT_COLUMNS_MAX 12

static void put_value(struct buf *out, const struct json *value)
{
    if (!value || value->type == JSON_NULL)
        return;
    if (value->type == JSON_STRING) {
        buf_put_slice(out, value->text);
    } else if (value->type == JSON_ARRAY) {
        json_each(item, value)
        {
            if (item != value->first)
                buf_put_char(out, ',');
            put_value(out, item);
        }
    } else {
        json_put(out, value);
    }
}

static int value_width(struct buf *b, const struct json *value)
{
    buf_clear(b);
    put_value(b, value);
    return text_width(buf_slice(b));
}

static void print_padded(struct slice text, int width)
{
    printf("%.*s", SLICE_ARG(text));
    for (int i = text_width(text); i < width + 2; i++)
        putchar(' ');
}

static void print_raw(const struct client_answer *answer)
{
    printf("%.*s\n", SLICE_ARG(answer->body));
}

void print_items(struct cli *cli, const struct client_answer *answer,
                 const struct print_column *columns)
{
    if (cli_json(cli)) {
        print_raw(answer);
        return;
    }
    const struct json *items = json_get(answer->json, "items");
    int widths[PRINT_COLUMNS_MAX] = {0};
    struct buf b = BUF_INIT;
    for (int c = 0; columns[c].name; c++) {
        ASSERT(c < PRINT_COLUMNS_MAX);
        widths[c] = text_width(slice_str(columns[c].heading));
        json_each(item, items)
        {
            int width = value_width(&b, json_get(item, columns[c].name));
            if (width > widths[c])
                widths[c] = width;
        }
    }
    for (int c = 0; columns[c].name; c++)
        print_padded(slice_str(columns[c].heading), columns[c + 1].name ? widths[c] : 0);
    putchar('\n');
    json_each(item, items)
    {
        for (int c = 0; columns[c].name; c++) {
            value_width(&b, json_get(item, columns[c].name));
            print_padded(buf_slice(&b), columns[c + 1].name ? widths[c] : 0);
        }
        putchar('\n');
    }
    buf_release(&b);
}

void print_object(struct cli *cli, const struct client_answer *answer)
{
    if (cli_json(cli) || !answer->json) {
        if (answer->body.len)
            print_raw(answer);
        return;
    }
    struct buf b = BUF_INIT;
    json_each(member, answer->json)
    {
        buf_clear(&b);
        put_value(&b, member);
        printf("%-16.*s %.*s\n", SLICE_ARG(member->key), SLICE_ARG(buf_slice(&b)));
    }
    buf_release(&b);
}

const char *print_json(struct arena *arena, ...)
{
    struct buf b = BUF_INIT;
    buf_put_char(&b, '{');
    va_list args;
    va_start(args, arena);
    const char *name;
    while ((name = va_arg(args, const char *))) {
        const char *value = va_arg(args, const char *);
        if (!value)
            continue;
        bool raw = name[0] == ':';
        json_put_key(&b, raw ? name + 1 : name);
        if (raw)
            buf_put_str(&b, value);
        else
            json_put_cstr(&b, value);
    }
    va_end(args);
    buf_put_char(&b, '}');
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

bool print_copy(int from, int to)
{
    char block[65536];
    ssize_t n;
    while ((n = read(from, block, sizeof(block))) > 0)
        for (ssize_t at = 0; at < n;) {
            ssize_t written = write(to, block + at, (size_t)(n - at));
            if (written <= 0)
                return false;
            at += written;
        }
    return n == 0;
}

int print_bytes(struct cli *cli, const struct client_answer *answer)
{
    if (!answer->file_path) {
        fwrite(answer->body.at, 1, answer->body.len, stdout);
        return CLI_OK; /* what does not leave is told at the end: cli_main */
    }
    fflush(stdout);
    int from = open(answer->file_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return cli_refuse(cli, "the answer could not be read: %s", strerror(errno));
    bool ok = print_copy(from, STDOUT_FILENO);
    int error = errno;
    close(from);
    return ok ? CLI_OK : cli_refuse(cli, "the output could not be written: %s", strerror(error));
}
