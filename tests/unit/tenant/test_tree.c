/* test_tree - what is remembered of the product's folders, and when it is forgotten.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "place.h"
#include "tenant/folder.h"
#include "tenant/tree.h"

static const char *at(struct place *p, const char *name)
{
    return arena_printf(p->arena, "%s/root/%s", p->folder, name);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void look(struct place *p)
{
    tree_look(arena_printf(p->arena, "%s/root", p->folder));
}

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    assert_int_equal(folder_make(at(&place, "a/entities")), ERR_OK);
    put(at(&place, "a/entities/one.json"), "{}");
    put(at(&place, "a/plugin.json"), "{}");
    tree_forget();
    look(&place);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    tree_forget();
    place_close(*state);
    return 0;
}

static int64_t bytes_of(const char *path)
{
    struct stat st;
    return tree_stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static int names_in(struct place *p, const char *path)
{
    const char **names;
    int count = -1;
    return tree_names(p->arena, path, &names, &count) ? -1 : count;
}

/* Asked again, nothing more is remembered than before: the answer came from there. */
static void test_remembers(void **state)
{
    struct place *p = *state;
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 2);
    assert_int_equal(names_in(p, at(p, "a/entities")), 1);
    assert_int_equal(names_in(p, at(p, "a/roles")), -1);
    assert_string_equal(tree_real(p->arena, at(p, "a")), at(p, "a"));
    int count = tree_count();
    assert_true(count >= 4);
    look(p);
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 2);
    assert_int_equal(names_in(p, at(p, "a/entities")), 1);
    assert_int_equal(names_in(p, at(p, "a/roles")), -1);
    assert_string_equal(tree_real(p->arena, at(p, "a")), at(p, "a"));
    assert_int_equal(tree_count(), count);
}

/* Each of these has to be seen with the next look, whatever it was. */
static void test_sees_changes(void **state)
{
    struct place *p = *state;
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 2);
    put(at(p, "a/plugin.json"), "{ }"); /* in place: neither inode nor folder are others */
    look(p);
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 3);

    put(at(p, "a/fresh.json"), "1234");
    assert_int_equal(rename(at(p, "a/fresh.json"), at(p, "a/plugin.json")), 0);
    look(p);
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 4);

    assert_int_equal(names_in(p, at(p, "a/entities")), 1);
    put(at(p, "a/entities/two.json"), "{}");
    look(p);
    assert_int_equal(names_in(p, at(p, "a/entities")), 2);

    assert_int_equal(unlink(at(p, "a/entities/two.json")), 0);
    look(p);
    assert_int_equal(names_in(p, at(p, "a/entities")), 1);

    assert_int_equal(names_in(p, at(p, "a/roles")), -1);
    assert_int_equal(folder_make(at(p, "a/roles")), ERR_OK);
    look(p);
    assert_int_equal(names_in(p, at(p, "a/roles")), 0);

    assert_int_equal(bytes_of(at(p, "a/late.json")), -1);
    put(at(p, "a/late.json"), "{}");
    look(p);
    assert_int_equal(bytes_of(at(p, "a/late.json")), 2);

    assert_int_equal(rename(at(p, "a"), at(p, "b")), 0);
    look(p);
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), -1);
    assert_int_equal(bytes_of(at(p, "b/plugin.json")), 4);
}

/* Whoever is moved is told of, not whoever lies below. */
static void test_sees_folders_above_move(void **state)
{
    struct place *p = *state;
    const char *deep = at(p, "c/d/e/file.lua");
    assert_int_equal(folder_make(at(p, "c/d/e")), ERR_OK);
    put(deep, "first");
    look(p);
    assert_int_equal(bytes_of(deep), 5);
    assert_int_equal(names_in(p, at(p, "c/d/e")), 1);
    assert_int_equal(rename(at(p, "c"), at(p, "old")), 0);
    assert_int_equal(folder_make(at(p, "c/d/e")), ERR_OK);
    put(deep, "another");
    put(at(p, "c/d/e/more.lua"), "");
    look(p);
    assert_int_equal(bytes_of(deep), 7);
    assert_int_equal(names_in(p, at(p, "c/d/e")), 2);
}

/* Names that are asked for are made up by scripts, and there is no end to them. */
static void test_has_a_bound(void **state)
{
    struct place *p = *state;
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 2);
    int names = TREE_ANSWERS_MAX - tree_count();
    for (int i = 0; i < names; i++)
        assert_int_equal(bytes_of(at(p, arena_printf(p->arena, "a/none%d.lua", i))), -1);
    assert_int_equal(tree_count(), TREE_ANSWERS_MAX);
    assert_int_equal(bytes_of(at(p, "a/one_more.lua")), -1);
    assert_int_equal(tree_count(), TREE_ANSWERS_MAX);
    assert_int_equal(bytes_of(at(p, "a/entities/one.json")), 2); /* asked for, not remembered */
    put(at(p, "a/plugin.json"), "{ }");
    look(p);
    assert_true(tree_count() < TREE_ANSWERS_MAX);
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 3);
}

/* What another name or a link leads to may change where nobody looks. */
static void test_links_are_asked(void **state)
{
    struct place *p = *state;
    const char *other = arena_printf(p->arena, "%s/other", p->folder);
    put(other, "12345");
    assert_int_equal(symlink(other, at(p, "a/soft.json")), 0);
    assert_int_equal(link(other, at(p, "a/hard.json")), 0);
    assert_int_equal(symlink(p->folder, at(p, "away")), 0);
    look(p);
    assert_int_equal(bytes_of(at(p, "a/soft.json")), 5);
    assert_int_equal(bytes_of(at(p, "a/hard.json")), 5);
    assert_int_equal(bytes_of(at(p, "away/other")), 5);
    int names = names_in(p, at(p, "away"));
    put(other, "123456");
    put(arena_printf(p->arena, "%s/third", p->folder), "");
    assert_int_equal(bytes_of(at(p, "a/soft.json")), 6); /* without a look */
    assert_int_equal(bytes_of(at(p, "a/hard.json")), 6);
    assert_int_equal(bytes_of(at(p, "away/other")), 6);
    assert_int_equal(names_in(p, at(p, "away")), names + 1);
    assert_int_equal(bytes_of(other), 6);
}

/* A release is switched by a link that leads to another folder. */
static void test_root_is_switched(void **state)
{
    struct place *p = *state;
    const char *root = arena_printf(p->arena, "%s/current", p->folder);
    const char *next = arena_printf(p->arena, "%s/next", p->folder);
    const char *fresh = arena_printf(p->arena, "%s/fresh", p->folder);
    assert_int_equal(folder_make(next), ERR_OK);
    put(arena_printf(p->arena, "%s/file", next), "next");
    put(at(p, "file"), "the first");
    assert_int_equal(symlink(arena_printf(p->arena, "%s/root", p->folder), root), 0);
    tree_look(root);
    const char *file = arena_printf(p->arena, "%s/file", tree_real(p->arena, root));
    assert_int_equal(bytes_of(file), 9);
    assert_int_equal(symlink(next, fresh), 0);
    assert_int_equal(rename(fresh, root), 0);
    tree_look(root);
    file = arena_printf(p->arena, "%s/file", tree_real(p->arena, root));
    assert_int_equal(bytes_of(file), 4);
}

/* A child has a queue of its own: what it reads there is not missing in its parent. */
static void test_child_takes_nothing(void **state)
{
    struct place *p = *state;
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 2);
    put(at(p, "a/plugin.json"), "{ }");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        look(p);
        _exit(bytes_of(at(p, "a/plugin.json")) == 3 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    look(p);
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 3);
}

/* One that has closed what it was given has other files under those numbers. */
static void test_child_keeps_its_files(void **state)
{
    struct place *p = *state;
    const char *path = at(p, "a/plugin.json");
    assert_int_equal(bytes_of(path), 2);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool is_whole = true;
        for (int fd = 3; fd < 64; fd++)
            (void)close(fd);
        for (int fd = 3; fd < 64; fd++)
            is_whole = is_whole && open(path, O_RDONLY) == fd;
        look(p);
        for (int fd = 3; fd < 64; fd++)
            is_whole = is_whole && fcntl(fd, F_GETFD) >= 0;
        _exit(is_whole ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Bundles come and go for as long as the process lives. */
static void test_keeps_nothing_of_elsewhere(void **state)
{
    struct place *p = *state;
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 2);
    int count = tree_count();
    for (int i = 0; i < 20; i++) {
        const char *folder = arena_printf(p->arena, "%s/root_%d", p->folder, i);
        const char *file = arena_printf(p->arena, "%s/plugin.json", folder);
        assert_int_equal(folder_make(folder), ERR_OK);
        assert_int_equal(bytes_of(file), -1);
        assert_int_equal(names_in(p, folder), 0);
        put(file, "{}");
        assert_int_equal(bytes_of(file), 2);
        assert_int_equal(names_in(p, folder), 1);
        assert_string_equal(tree_real(p->arena, folder), folder);
    }
    assert_int_equal(tree_count(), count);
}

static void test_without_a_root(void **state)
{
    struct place *p = *state;
    tree_forget();
    tree_look(NULL);
    assert_int_equal(bytes_of(at(p, "a/plugin.json")), 2);
    assert_int_equal(names_in(p, at(p, "a/entities")), 1);
    assert_int_equal(tree_count(), 0);
    errno = 0;
    assert_int_equal(bytes_of(at(p, "a/nothing/there")), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_remembers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sees_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sees_folders_above_move, setup, teardown),
        cmocka_unit_test_setup_teardown(test_has_a_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links_are_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_is_switched, setup, teardown),
        cmocka_unit_test_setup_teardown(test_child_takes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_child_keeps_its_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keeps_nothing_of_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_root, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
