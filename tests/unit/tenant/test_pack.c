/* test_pack - a plugin's files as one archive, and what is refused on the way in.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "place.h"
#include "tenant/folder.h"
#include "tenant/pack.h"

#define MANIFEST "{\"id\":\"acme.sales\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"Sales\"}"

static void fill(struct pack *pack, struct arena *arena, const char *const (*files)[2], int count)
{
    *pack = (struct pack){.files = arena_array(arena, struct pack_file, (size_t)count + 1),
                          .count = count};
    for (int i = 0; i < count; i++)
        pack->files[i] = (struct pack_file){files[i][0], slice_str(files[i][1])};
}

static void test_pack__the_same_files_give_the_same_bytes(void **state)
{
    (void)state;
    static const char *const one[][2] = {{"rules.lua", "return {}\n"},
                                         {"plugin.json", MANIFEST},
                                         {"entities/lead.json", "{}"},
                                         {"i18n/zh-CN.json", "{\"a\":\"等级\"}"}};
    static const char *const two[][2] = {{"i18n/zh-CN.json", "{\"a\":\"等级\"}"},
                                         {"entities/lead.json", "{}"},
                                         {"plugin.json", MANIFEST},
                                         {"rules.lua", "return {}\n"}};
    struct arena *arena = arena_new();
    struct pack a, b, c;
    struct buf first = BUF_INIT, second = BUF_INIT;
    const char *why = NULL;
    fill(&a, arena, one, 4);
    fill(&b, arena, two, 4);
    assert_int_equal(pack_make(arena, &a, &why), ERR_OK);
    assert_int_equal(pack_make(arena, &b, &why), ERR_OK);
    assert_string_equal(a.hash, b.hash);
    pack_write(&a, &first);
    pack_write(&b, &second);
    assert_true(slice_eq(buf_slice(&first), buf_slice(&second)));
    assert_int_equal(pack_read(arena, buf_slice(&first), &c, &why), ERR_OK);
    assert_string_equal(c.hash, a.hash);
    assert_int_equal(c.count, 4);
    assert_string_equal(c.files[0].name, "entities/lead.json");
    assert_true(slice_is(pack_get(&c, "rules.lua"), "return {}\n"));
    assert_null(pack_get(&c, "other.lua").at);
    b.files[0].bytes = SLICE("{ }");
    assert_int_equal(pack_make(arena, &b, &why), ERR_OK);
    assert_string_not_equal(a.hash, b.hash);
    buf_release(&first);
    buf_release(&second);
    arena_free(arena);
}

static void test_pack__only_parts_of_a_plugin_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {"plugin.json",       "README.md",
                                       "LICENSE",           "init.lua",
                                       "entities/a_b.json", "views/x.json",
                                       "i18n/zh-CN.json",   "migrations/002_split.lua",
                                       "tests/a_test.lua",  "templates/hello.en.html",
                                       "help/zh-CN.md",     "ui/ui.js"};
    static const char *const bad[] = {
        "",          "../x.lua",       "/etc/passwd",   "a/b/c.json", "entities/../x.json",
        "init.so",   "entities/x.lua", ".hidden.lua",   "init.lua/",  "entities/.json",
        "ui/a.js",   "bin/x.lua",      "views//x.json", ".lua",       "a b.lua",
        "x\\y.lua",  "PLUGIN.JSON",    "entities",      "./init.lua", "types/a.lua",
        "help/x.md",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(pack_name_is_valid(slice_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(pack_name_is_valid(slice_str(bad[i])));
    assert_false(pack_name_is_valid(slice_of("init.lua\0.json", 14)));
    char longest[NAME_BYTES_MAX + 6], longer[NAME_BYTES_MAX + 7];
    memset(longest, 'a', sizeof longest);
    memcpy(longest + NAME_BYTES_MAX, ".lua", 5);
    memset(longer, 'a', sizeof longer);
    memcpy(longer + NAME_BYTES_MAX + 1, ".lua", 5);
    assert_true(pack_name_is_valid(slice_str(longest)));
    assert_false(pack_name_is_valid(slice_str(longer)));
}

/* Sets the sum of a changed header right again. */
static void sign(char *block)
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    (void)snprintf(block + 148, 8, "%06o", sum);
    block[155] = ' ';
}

static void refused(struct buf *tar, enum err e, const char *part)
{
    struct arena *arena = arena_new();
    struct pack pack;
    const char *why = NULL;
    assert_int_equal(pack_read(arena, buf_slice(tar), &pack, &why), e);
    assert_non_null(why);
    assert_non_null(strstr(why, part));
    arena_free(arena);
}

static void write_simple(struct buf *tar)
{
    static const char *const files[][2] = {{"init.lua", "-- nothing\n"}, {"plugin.json", MANIFEST}};
    struct arena *arena = arena_new();
    struct pack pack;
    const char *why = NULL;
    buf_clear(tar);
    fill(&pack, arena, files, 2);
    assert_int_equal(pack_make(arena, &pack, &why), ERR_OK);
    pack_write(&pack, tar);
    arena_free(arena);
}

static void test_pack__hostile_archives_are_refused(void **state)
{
    (void)state;
    struct buf tar = BUF_INIT;
    buf_put_str(&tar, "PK\x03\x04 this is something else, and rather short");
    refused(&tar, ERR_MALFORMED, "no whole pack");
    static const struct {
        const char *name;
        char type;
        const char *part;
    } entries[] = {
        {"../../etc/passwd", '0', "no part of a plugin"},
        {"/etc/passwd", '0', "no part of a plugin"},
        {"entities/../../x.json", '0', "no part of a plugin"},
        {"init.lua", '2', "no plain file"}, /* a link */
        {"init.lua", '1', "no plain file"},
        {"init.lua", '3', "no plain file"}, /* a device */
        {"init.lua", 'x', "no plain file"},
        {"plugin.json", '0', "twice"},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        write_simple(&tar);
        memset(tar.at, 0, 100);
        memcpy(tar.at, entries[i].name, strlen(entries[i].name));
        tar.at[156] = entries[i].type;
        sign(tar.at);
        refused(&tar, ERR_MALFORMED, entries[i].part);
    }
    write_simple(&tar);
    tar.at[0] = 'x'; /* the sum does not fit any more */
    refused(&tar, ERR_MALFORMED, "no pack");
    write_simple(&tar);
    memcpy(tar.at + 345, "/etc", 4); /* a prefix */
    sign(tar.at);
    refused(&tar, ERR_MALFORMED, "no plain file");
    write_simple(&tar);
    memcpy(tar.at + 124, "77777777777", 11);
    sign(tar.at);
    refused(&tar, ERR_MALFORMED, "ends within");
    write_simple(&tar);
    tar.at[512] = 0; /* no text */
    refused(&tar, ERR_MALFORMED, "no text");
    write_simple(&tar);
    tar.at[512] = '\x1b';
    tar.at[513] = '\xff';
    refused(&tar, ERR_MALFORMED, "no text");
    write_simple(&tar);
    buf_truncate(&tar, 2000);
    refused(&tar, ERR_MALFORMED, "pack");
    buf_release(&tar);
}

static struct pack_file *many(struct arena *arena, int count)
{
    struct pack_file *files = arena_array(arena, struct pack_file, (size_t)count + 1);
    files[0] = (struct pack_file){"plugin.json", slice_str(MANIFEST)};
    for (int i = 1; i < count; i++)
        files[i] = (struct pack_file){arena_printf(arena, "m%d.lua", i), SLICE("return {}")};
    return files;
}

static void test_pack__counts_and_sizes_hold_at_their_limit(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *why = NULL;
    struct buf tar = BUF_INIT;
    struct pack pack = {many(arena, PACK_FILES_MAX), PACK_FILES_MAX, ""}, again;
    assert_int_equal(pack_make(arena, &pack, &why), ERR_OK);
    pack_write(&pack, &tar);
    assert_int_equal(pack_read(arena, buf_slice(&tar), &again, &why), ERR_OK);
    struct pack over = {many(arena, PACK_FILES_MAX + 1), PACK_FILES_MAX + 1, ""};
    assert_int_equal(pack_make(arena, &over, &why), ERR_TOO_LARGE);

    char *text = arena_alloc(arena, PACK_FILE_BYTES_MAX + 1);
    memset(text, ' ', PACK_FILE_BYTES_MAX + 1);
    struct pack small = {many(arena, 2), 2, ""};
    small.files[1].bytes = slice_of(text, PACK_FILE_BYTES_MAX);
    assert_int_equal(pack_make(arena, &small, &why), ERR_OK);
    small.files[0].bytes.len++; /* ordered: m1.lua comes first */
    assert_int_equal(pack_make(arena, &small, &why), ERR_TOO_LARGE);

    int whole = PACK_BYTES_MAX / PACK_FILE_BYTES_MAX;
    struct pack large = {many(arena, whole + 1), whole + 1, ""};
    for (int i = 1; i <= whole; i++)
        large.files[i].bytes = slice_of(text, PACK_FILE_BYTES_MAX);
    assert_int_equal(pack_make(arena, &large, &why), ERR_TOO_LARGE);
    large.files[1].bytes.len -= strlen(MANIFEST); /* refused before they were put in order */
    assert_int_equal(pack_make(arena, &large, &why), ERR_OK);
    buf_clear(&tar);
    pack_write(&large, &tar);
    assert_true(tar.len <= PACK_ARCHIVE_BYTES_MAX);
    assert_int_equal(pack_read(arena, buf_slice(&tar), &again, &why), ERR_OK);
    char *zeros = calloc(1, PACK_ARCHIVE_BYTES_MAX + 1);
    assert_int_equal(pack_read(arena, slice_of(zeros, PACK_ARCHIVE_BYTES_MAX + 1), &again, &why),
                     ERR_TOO_LARGE);
    free(zeros);
    buf_release(&tar);
    arena_free(arena);
}

static void test_pack__a_folder_goes_in_and_out_whole(void **state)
{
    (void)state;
    struct place place;
    struct pack pack, again;
    const char *why = NULL;
    char path[FOLDER_PATH_MAX];
    static const char *const files[][2] = {
        {"plugin.json", MANIFEST}, {"init.lua", "-- nothing\n"}, {"views/lead.json", "[]"}};
    place_open(&place);
    fill(&pack, place.arena, files, 3);
    assert_int_equal(pack_make(place.arena, &pack, &why), ERR_OK);
    folder_join(path, place.folder, "out");
    assert_int_equal(pack_unpack(&pack, path), ERR_OK);
    assert_int_equal(pack_unpack(&pack, path), ERR_CONFLICT);
    const char **names;
    int count;
    assert_int_equal(folder_names(place.arena, place.folder, &names, &count), ERR_OK);
    assert_int_equal(count, 1); /* nothing half-done is left */
    const char *hidden = arena_printf(place.arena, "%s/.luarc.json", path);
    assert_int_equal(folder_write(hidden, SLICE("{}"), 0600), ERR_OK);
    assert_int_equal(pack_folder(place.arena, path, &again, &why), ERR_OK);
    assert_string_equal(again.hash, pack.hash);
    const char *strange = arena_printf(place.arena, "%s/views/notes.txt", path);
    assert_int_equal(folder_write(strange, SLICE("x"), 0600), ERR_OK);
    assert_int_equal(pack_folder(place.arena, path, &again, &why), ERR_MALFORMED);
    assert_string_equal(why, "views/notes.txt is no part of a plugin");
    assert_int_equal(unlink(strange), 0);
    const char *link = arena_printf(place.arena, "%s/views/link.json", path);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_not_equal(pack_folder(place.arena, path, &again, &why), ERR_OK);
    assert_non_null(strstr(why, "views/link.json"));
    folder_join(path, place.folder, "none");
    assert_int_equal(pack_folder(place.arena, path, &again, &why), ERR_NOT_FOUND);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pack__the_same_files_give_the_same_bytes),
        cmocka_unit_test(test_pack__only_parts_of_a_plugin_are_taken),
        cmocka_unit_test(test_pack__hostile_archives_are_refused),
        cmocka_unit_test(test_pack__counts_and_sizes_hold_at_their_limit),
        cmocka_unit_test(test_pack__a_folder_goes_in_and_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
