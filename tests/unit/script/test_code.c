/* test_code - compiled files: shared, new when the file is, and what code is by its hash.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/code.h"

#include "stage.h"

#include "base/limits.h"
#include "base/shelf.h"

#include <sys/wait.h>
#include <unistd.h>

static void hash_of(struct stage *stage, char out[65])
{
    const char *folder = arena_printf(stage->arena, "%s/plugins/t", stage->home);
    OK(code_hash(folder, out));
    assert_int_equal(strlen(out), 64);
}

static void test_code__the_hash_is_of_all_lua_files_and_nothing_else(void **state)
{
    struct stage *stage = *state;
    char one[65], two[65];
    stage_script(stage, "local x = 1");
    hash_of(stage, one);
    hash_of(stage, two);
    assert_string_equal(one, two);
    stage_write(stage, "t/notes.txt", "no code");
    hash_of(stage, two);
    assert_string_equal(one, two);
    stage_write(stage, "t/more.lua", "return {}");
    hash_of(stage, two);
    assert_string_not_equal(one, two);
    stage_script(stage, "local x = 2");
    hash_of(stage, one);
    assert_string_not_equal(one, two);
}

static void test_code__is_compiled_once_and_keeps_its_lines(void **state)
{
    struct stage *stage = *state;
    struct code *code;
    const char *answer;
    const char *path = arena_printf(stage->arena, "%s/plugins/t/init.lua", stage->home);
    stage_script(stage, "crm.service(\"run\", function()\n\n  error(\"third line\")\nend)");
    for (int round = 0; round < 2; round++) { /* the second VM is made from bytecode */
        assert_int_equal(stage_run(stage, &answer), ERR_PLUGIN);
        assert_non_null(strstr(stage->ctx.err.detail, "t/init.lua:3: third line"));
        OK(code_get(path, &code));
        assert_non_null(code->compiled.at);
        assert_null(code->text.at);
        vm_free(stage->tenant->vm);
        stage->tenant->vm = NULL;
    }
    stage_script(stage, "crm.service(\"run\", function() return { \"new\" } end)");
    OK(code_get(path, &code));
    assert_null(code->compiled.at);
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"new\"]");
}

/* Compiled by another process, as the supervisor has it done: scripts run, with their lines; a file
 * that has changed since is read. */
static void test_code__what_was_compiled_for_all_is_taken(void **state)
{
    struct stage *stage = *state;
    struct code *code;
    const char *answer;
    const char *path = arena_printf(stage->arena, "%s/plugins/t/init.lua", stage->home);
    int fd = -1, status = -1;
    stage_script(stage, "crm.service(\"run\", function()\n\n  error(\"third line\")\nend)");
    stage_write(stage, "t/wrong.lua", "this does not compile");
    OK(shelf_new(&fd));
    pid_t pid = fork();
    if (pid == 0) {
        code_shelve(stage->home);
        _exit(!shelf_publish());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    shelf_close();
    shelf_open(fd);
    close(fd);
    size_t kept = code_bytes();
    OK(code_get(path, &code));
    assert_non_null(code->compiled.at); /* though nothing was compiled here */
    assert_int_equal(code_bytes(), kept);
    assert_int_equal(stage_run(stage, &answer), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "t/init.lua:3: third line"));
    OK(code_get(arena_printf(stage->arena, "%s/plugins/t/wrong.lua", stage->home), &code));
    assert_non_null(code->text.at);
    stage_script(stage, "crm.service(\"run\", function() return { \"new\" } end)");
    OK(code_get(path, &code));
    assert_null(code->compiled.at);
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"new\"]");
    shelf_close();
}

static void test_code__what_is_no_file_is_told(void **state)
{
    struct stage *stage = *state;
    struct code *code;
    char *large = arena_alloc(stage->arena, CODE_FILE_BYTES_MAX + 2);
    memset(large, ' ', CODE_FILE_BYTES_MAX + 1);
    assert_int_equal(code_get(arena_printf(stage->arena, "%s/nothing.lua", stage->home), &code),
                     ERR_NOT_FOUND);
    assert_int_equal(code_get(stage->home, &code), ERR_IO);
    stage_write(stage, "t/large.lua", large);
    const char *path = arena_printf(stage->arena, "%s/plugins/t/large.lua", stage->home);
    assert_int_equal(code_get(path, &code), ERR_TOO_LARGE);
    large[CODE_FILE_BYTES_MAX] = 0;
    stage_write(stage, "t/large.lua", large);
    OK(code_get(path, &code));
    assert_int_equal(code->text.len, CODE_FILE_BYTES_MAX);
}

static void test_code__what_is_kept_has_a_bound(void **state)
{
    struct stage *stage = *state;
    char *text = arena_alloc(stage->arena, CODE_FILE_BYTES_MAX + 1);
    memset(text, ' ', CODE_FILE_BYTES_MAX);
    for (int i = 0; i < 2 * (SCRIPT_CODE_BYTES_MAX / CODE_FILE_BYTES_MAX); i++) {
        struct code *code;
        const char *name = arena_printf(stage->arena, "t/part%d.lua", i);
        stage_write(stage, name, text);
        OK(code_get(arena_printf(stage->arena, "%s/plugins/%s", stage->home, name), &code));
        assert_true(code_bytes() <= SCRIPT_CODE_BYTES_MAX + CODE_FILE_BYTES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_code__##name, stage_setup, stage_teardown)
        T(the_hash_is_of_all_lua_files_and_nothing_else),
        T(is_compiled_once_and_keeps_its_lines),
        T(what_was_compiled_for_all_is_taken),
        T(what_is_no_file_is_told),
        T(what_is_kept_has_a_bound),
#undef T
    };
    return cmocka_run_group_tests_name("script/code", tests, NULL, NULL);
}
