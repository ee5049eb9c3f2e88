/* test_model_shelf - a model of what the supervisor has read is the model of the files.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "base/shelf.h"
#include "record/model_build.h"

#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    shelf_close();
    return 0;
}

static void shelve(const struct place *p)
{
    int fd = -1, status = -1;
    assert_int_equal(shelf_new(&fd), ERR_OK);
    pid_t pid = fork();
    if (pid == 0) {
        model_shelve(p->home);
        _exit(!shelf_publish());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    shelf_close();
    shelf_open(fd);
    close(fd);
}

static const struct document *shelved(const struct place *p, const char *file)
{
    return shelf_get(arena_printf(p->arena, SHELF_DOCUMENT "%s/plugins/%s", p->home, file));
}

static void shop(struct place *p, const char *field)
{
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/sale.json",
                arena_printf(p->arena,
                             "{\"name\":\"sale\",\"title\":\"name\",\"fields\":["
                             "{\"no\":1,\"name\":\"%s\",\"type\":\"text\"}]}",
                             field));
}

static void test_model_shelf__the_model_is_the_same(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct json *declared = place_entity(p, "lead")->declared;
    struct model *again = NULL;
    shelve(p);
    assert_int_equal(model_plan(p->tenant, p->home, false, NULL, 0, &again, NULL), ERR_OK);
    const struct entity *lead = model_entity(again, SLICE("lead"));
    assert_int_equal(again->hash, p->model->hash);
    assert_int_equal(again->schema->hash, p->model->schema->hash);
    assert_ptr_not_equal(lead, place_entity(p, "lead"));
    assert_true(json_equal(lead->declared, declared));
    assert_string_equal(model_text(again, p->arena, LANG_EN, "leads", "@lead", NULL),
                        model_text(p->model, p->arena, LANG_EN, "leads", "@lead", NULL));
    model_free(again);
}

static void test_model_shelf__files_of_the_product_lie_there(void **state)
{
    struct place *p = *state;
    shop(p, "name");
    place_write(p, "shop/views/sale.json", "{ this is no JSON");
    shelve(p);
    const struct document *d = shelved(p, "shop/entities/sale.json");
    assert_non_null(d);
    assert_non_null(json_get(d->json, "fields"));
    assert_null(shelved(p, "shop/views/sale.json")); /* who needs it says what is wrong */
    assert_null(shelved(p, "shop/entities/nothing.json"));
    place_enable(p, "shop");
    place_enable(p, "people");
    place_model(p);
    assert_non_null(strstr(place_broken(p, "shop"), "shop/views/sale.json"));
}

static void test_model_shelf__a_file_that_has_changed_is_read(void **state)
{
    struct place *p = *state;
    shop(p, "name");
    shelve(p);
    shop(p, "a_longer_name");
    place_write(p, "shop/entities/sale.json",
                "{\"name\":\"sale\",\"title\":\"label\",\"fields\":["
                "{\"no\":1,\"name\":\"label\",\"type\":\"text\"}]}");
    place_ready(p, "shop", NULL);
    assert_non_null(place_field(p, "sale", "label"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_model_shelf__##name, setup, teardown)
        T(the_model_is_the_same),
        T(files_of_the_product_lie_there),
        T(a_file_that_has_changed_is_read),
#undef T
    };
    return cmocka_run_group_tests_name("record/model_shelf", tests, NULL, NULL);
}
