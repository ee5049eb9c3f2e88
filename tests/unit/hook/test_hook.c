/* test_hook - registration, total order, vetoes and collected complaints.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "hook/hook.h"

struct fixture {
    struct arena *arena;
    struct hooks *hooks;
    struct ctx ctx;
    char log[512]; /* names of the handlers that ran */
};

struct answer {
    struct fixture *fixture;
    const char *name;
    enum err e;
    const char *field; /* complains about it */
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    f.arena = arena_new();
    f.hooks = hooks_new(f.arena);
    ctx_init(&f.ctx, f.arena);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    arena_free(((struct fixture *)*state)->arena);
    return 0;
}

static enum err run(struct ctx *ctx, struct event *event, void *arg)
{
    struct answer *answer = arg;
    assert_non_null(event->entity);
    strcat(answer->fixture->log, answer->name);
    strcat(answer->fixture->log, " ");
    if (answer->field)
        return err_field(&ctx->err, answer->field, "bad", NULL);
    return answer->e;
}

static struct answer *add_spec(struct fixture *f, const struct hook_spec *spec)
{
    struct answer *answer = arena_make(f->arena, struct answer);
    answer->fixture = f;
    answer->name = arena_strdup(f->arena, spec->id);
    assert_int_equal(hook_add(f->hooks, spec, run, answer), ERR_OK);
    return answer;
}

static struct answer *add(struct fixture *f, enum hook_moment moment, const char *id)
{
    struct hook_spec spec = {.entity = "lead",
                             .moment = moment,
                             .plugin = "p",
                             .id = id,
                             .field = moment == HOOK_TRANSITION ? "status" : NULL};
    return add_spec(f, &spec);
}

static void seal(struct fixture *f)
{
    const char *why = "";
    if (hooks_seal(f->hooks, f->arena, &why))
        fail_msg("%s", why);
}

static enum err fire(struct fixture *f, const char *entity, enum hook_moment moment)
{
    struct event event = {
        .moment = moment, .entity = entity, .field = moment == HOOK_TRANSITION ? "status" : NULL};
    f->log[0] = '\0';
    return hook_fire(f->hooks, &f->ctx, &event);
}

static void test_hook__order_is_constraints_then_at_layer_load_registration(void **state)
{
    struct fixture *f = *state;
    const struct hook_spec specs[] = {
        {"lead", HOOK_BEFORE_CREATE, NULL, "p", "last", NULL, NULL, NULL, 900, 0, 0, false},
        {"lead", HOOK_BEFORE_CREATE, NULL, "p", "tenant", NULL, NULL, NULL, 0, 2, 0, false},
        {"lead", HOOK_BEFORE_CREATE, NULL, "p", "late_load", NULL, NULL, NULL, 0, 0, 2, false},
        {"lead", HOOK_BEFORE_CREATE, NULL, "p", "one", NULL, NULL, NULL, 0, 0, 1, false},
        {"lead", HOOK_BEFORE_CREATE, NULL, "p", "two", NULL, NULL, NULL, 0, 0, 1, false},
        {"*", HOOK_BEFORE_CREATE, NULL, "p", "any", NULL, NULL, NULL, 100, 0, 0, false},
        {"lead", HOOK_BEFORE_CREATE, NULL, "p", "after_last", NULL, "p:last", NULL, 1, 0, 0, false},
        {"lead", HOOK_BEFORE_CREATE, NULL, "p", "before_any", "p:any", NULL, NULL, 990, 0, 0,
         false},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        (void)add_spec(f, &specs[i]);
    seal(f);
    assert_int_equal(fire(f, "lead", HOOK_BEFORE_CREATE), ERR_OK);
    assert_string_equal(f->log, "before_any any one two late_load tenant last after_last ");
    assert_int_equal(fire(f, "account", HOOK_BEFORE_CREATE), ERR_OK);
    assert_string_equal(f->log, "any ");
    assert_true(hook_wants(f->hooks, "account", HOOK_BEFORE_CREATE));
    assert_false(hook_wants(f->hooks, "account", HOOK_VALIDATE));
    assert_false(hook_wants(NULL, "account", HOOK_VALIDATE));
}

static void test_hook__an_error_stops_the_rest(void **state)
{
    struct fixture *f = *state;
    (void)add(f, HOOK_BEFORE_CREATE, "one");
    add(f, HOOK_BEFORE_CREATE, "two")->e = ERR_CONFLICT;
    (void)add(f, HOOK_BEFORE_CREATE, "three");
    seal(f);
    assert_int_equal(fire(f, "lead", HOOK_BEFORE_CREATE), ERR_CONFLICT);
    assert_string_equal(f->log, "one two ");
}

static void test_hook__validate_collects_every_complaint(void **state)
{
    struct fixture *f = *state;
    add(f, HOOK_VALIDATE, "one")->field = "phone";
    (void)add(f, HOOK_VALIDATE, "two");
    add(f, HOOK_VALIDATE, "three")->field = "email";
    seal(f);
    assert_int_equal(fire(f, "lead", HOOK_VALIDATE), ERR_VALIDATION);
    assert_string_equal(f->log, "one two three ");
    assert_int_equal(f->ctx.err.count, 2);
    assert_string_equal(f->ctx.err.first->field, "phone");
    assert_string_equal(f->ctx.err.last->field, "email");
}

static void test_hook__validate_stops_at_a_failure(void **state)
{
    struct fixture *f = *state;
    add(f, HOOK_VALIDATE, "one")->field = "phone";
    add(f, HOOK_VALIDATE, "two")->e = ERR_PLUGIN;
    (void)add(f, HOOK_VALIDATE, "three");
    seal(f);
    assert_int_equal(fire(f, "lead", HOOK_VALIDATE), ERR_PLUGIN);
    assert_string_equal(f->log, "one two ");
}

static void test_hook__a_refusal_without_a_field_counts(void **state)
{
    struct fixture *f = *state;
    add(f, HOOK_VALIDATE_DELETE, "one")->e = ERR_VALIDATION;
    (void)add(f, HOOK_VALIDATE_DELETE, "two");
    seal(f);
    assert_int_equal(fire(f, "lead", HOOK_VALIDATE_DELETE), ERR_VALIDATION);
    assert_string_equal(f->log, "one two ");
}

static void test_hook__earlier_complaints_are_not_ours(void **state)
{
    struct fixture *f = *state;
    (void)add(f, HOOK_VALIDATE, "one");
    seal(f);
    (void)err_field(&f->ctx.err, "name", "required", NULL);
    assert_int_equal(fire(f, "lead", HOOK_VALIDATE), ERR_OK);
}

static void test_hook__transitions_go_to_their_field(void **state)
{
    struct fixture *f = *state;
    (void)add(f, HOOK_TRANSITION, "status");
    struct hook_spec spec = {.entity = "lead",
                             .moment = HOOK_TRANSITION,
                             .field = "stage",
                             .plugin = "p",
                             .id = "stage"};
    (void)add_spec(f, &spec);
    seal(f);
    assert_int_equal(fire(f, "lead", HOOK_TRANSITION), ERR_OK);
    assert_string_equal(f->log, "status ");
}

static void test_hook__a_circle_is_an_error_with_names(void **state)
{
    struct fixture *f = *state;
    struct hook_spec spec = {.entity = "lead",
                             .moment = HOOK_VALIDATE,
                             .plugin = "p",
                             .id = "a",
                             .after = "p:b",
                             .where = "p/init.lua:3"};
    (void)add_spec(f, &spec);
    spec = (struct hook_spec){.entity = "lead",
                              .moment = HOOK_VALIDATE,
                              .plugin = "p",
                              .id = "b",
                              .after = "p:a",
                              .where = "p/init.lua:4"};
    (void)add_spec(f, &spec);
    const char *why = NULL;
    assert_int_equal(hooks_seal(f->hooks, f->arena, &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "p:a (p/init.lua:3)"));
    assert_non_null(strstr(why, "p:b (p/init.lua:4)"));
}

static void test_hook__waiting_for_oneself_is_a_circle(void **state)
{
    struct fixture *f = *state;
    struct hook_spec spec = {
        .entity = "lead", .moment = HOOK_VALIDATE, .plugin = "p", .id = "a", .after = "p:a"};
    (void)add_spec(f, &spec);
    const char *why = NULL;
    assert_int_equal(hooks_seal(f->hooks, f->arena, &why), ERR_MALFORMED);
}

static void test_hook__an_unknown_name_is_an_error_with_a_suggestion(void **state)
{
    struct fixture *f = *state;
    (void)add(f, HOOK_VALIDATE, "dedupe");
    struct hook_spec spec = {.entity = "lead",
                             .moment = HOOK_VALIDATE,
                             .plugin = "q",
                             .id = "a",
                             .after = "p:dedup",
                             .where = "q/init.lua:7"};
    (void)add_spec(f, &spec);
    const char *why = NULL;
    assert_int_equal(hooks_seal(f->hooks, f->arena, &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "q/init.lua:7"));
    assert_non_null(strstr(why, "did you mean \"p:dedupe\"?"));
}

static void test_hook__a_name_is_there_once_per_event(void **state)
{
    struct fixture *f = *state;
    (void)add(f, HOOK_VALIDATE, "a");
    (void)add(f, HOOK_BEFORE_CREATE, "a");
    struct hook_spec spec = {.entity = "lead", .moment = HOOK_VALIDATE, .plugin = "p", .id = "a"};
    assert_int_equal(hook_add(f->hooks, &spec, run, NULL), ERR_CONFLICT);
}

static void test_hook__handlers_of_one_event_are_bounded(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < HANDLERS_PER_EVENT_MAX; i++)
        (void)add(f, HOOK_VALIDATE, arena_printf(f->arena, "h%d", i));
    struct hook_spec spec = {.entity = "lead", .moment = HOOK_VALIDATE, .plugin = "p", .id = "x"};
    assert_int_equal(hook_add(f->hooks, &spec, run, NULL), ERR_TOO_LARGE);
}

static void note(void *arg, const struct hook_spec *spec)
{
    strcat(arg, spec->id);
    strcat(arg, " ");
}

static void test_hook__list_shows_the_order(void **state)
{
    struct fixture *f = *state;
    struct hook_spec spec = {
        .entity = "lead", .moment = HOOK_VALIDATE, .plugin = "p", .id = "late", .at = 700};
    (void)add_spec(f, &spec);
    (void)add(f, HOOK_VALIDATE, "normal");
    seal(f);
    hook_list(f->hooks, "lead", HOOK_VALIDATE, note, f->log);
    assert_string_equal(f->log, "normal late ");
}

static void test_hook__events_stand_beside_the_entities(void **state)
{
    struct fixture *f = *state;
    struct hook_spec any = {.entity = "*", .moment = HOOK_AFTER_COMMIT, .plugin = "p", .id = "any"};
    struct hook_spec scored = {
        .entity = "lead.scored", .moment = HOOK_AFTER_COMMIT, .plugin = "p", .id = "scored"};
    (void)add_spec(f, &any);
    (void)add_spec(f, &scored);
    seal(f);
    assert_int_equal(fire(f, "lead.scored", HOOK_AFTER_COMMIT), ERR_OK);
    assert_string_equal(f->log, "scored ");
    assert_false(hook_wants(f->hooks, "lead.lost", HOOK_AFTER_COMMIT));
    assert_true(hook_wants(f->hooks, "lead", HOOK_AFTER_COMMIT));
    assert_non_null(hook_find(f->hooks, "lead", HOOK_AFTER_COMMIT, "p:any"));
    assert_null(hook_find(f->hooks, "lead", HOOK_AFTER_COMMIT, "p:scored"));
    assert_null(hook_find(f->hooks, "lead", HOOK_EVENT, "p:any"));
}

/* --- any constraints, any order of registration --- */

#define MANY 12

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % sides;
}

/* Handlers h0…h11 of which no two tie; some wait for others. */
static void make_specs(struct arena *arena, uint32_t *seed, struct hook_spec specs[MANY])
{
    for (int i = 0; i < MANY; i++) {
        specs[i] = (struct hook_spec){.entity = "lead",
                                      .moment = HOOK_VALIDATE,
                                      .plugin = "p",
                                      .id = arena_printf(arena, "h%d", i),
                                      .at = 100 + (int)dice(seed, 3),
                                      .layer = (int)dice(seed, 2),
                                      .load_order = i};
        if (dice(seed, 4) == 0)
            specs[i].after = arena_printf(arena, "p:h%u", dice(seed, MANY));
        if (dice(seed, 4) == 0)
            specs[i].before = arena_printf(arena, "p:h%u", dice(seed, MANY));
    }
}

/* The order as text, or "circle". */
static void order_of(struct arena *arena, const struct hook_spec specs[MANY], uint32_t *seed,
                     char out[MANY * 4 + 1])
{
    struct answer nobody = {0};
    struct hooks *hooks = hooks_new(arena);
    const char *why = NULL;
    int at[MANY];
    for (int i = 0; i < MANY; i++)
        at[i] = i;
    for (int i = MANY - 1; i > 0; i--) {
        int k = (int)dice(seed, (uint32_t)i + 1), swap = at[i];
        at[i] = at[k];
        at[k] = swap;
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(hook_add(hooks, &specs[at[i]], run, &nobody), ERR_OK);
    out[0] = 0;
    if (hooks_seal(hooks, arena, &why))
        strcpy(out, "circle");
    else
        hook_list(hooks, "lead", HOOK_VALIDATE, note, out);
}

static int place(const char *order, const char *name)
{
    const char *id = strchr(name, ':') ? strchr(name, ':') + 1 : name;
    char needle[8];
    (void)snprintf(needle, sizeof needle, "%s ", id);
    const char *found = order;
    while ((found = strstr(found, needle)) && found != order && found[-1] != ' ')
        found++;
    assert_non_null(found);
    return (int)(found - order);
}

static void test_hook__order_keeps_constraints_whoever_registers_first(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 20260722;
    int circles = 0;
    for (int round = 0; round < 400; round++) {
        struct hook_spec specs[MANY];
        char order[MANY * 4 + 1], again[MANY * 4 + 1];
        make_specs(f->arena, &seed, specs);
        order_of(f->arena, specs, &seed, order);
        for (int i = 0; i < 4; i++) {
            order_of(f->arena, specs, &seed, again);
            assert_string_equal(order, again);
        }
        if (strcmp(order, "circle") == 0) {
            circles++;
            continue;
        }
        for (int i = 0; i < MANY; i++) {
            int here = place(order, specs[i].id);
            if (specs[i].after)
                assert_true(place(order, specs[i].after) < here);
            if (specs[i].before)
                assert_true(place(order, specs[i].before) > here);
        }
    }
    assert_true(circles > 0 && circles < 400);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_hook__order_is_constraints_then_at_layer_load_registration),
        T(test_hook__an_error_stops_the_rest),
        T(test_hook__validate_collects_every_complaint),
        T(test_hook__validate_stops_at_a_failure),
        T(test_hook__a_refusal_without_a_field_counts),
        T(test_hook__earlier_complaints_are_not_ours),
        T(test_hook__transitions_go_to_their_field),
        T(test_hook__a_circle_is_an_error_with_names),
        T(test_hook__waiting_for_oneself_is_a_circle),
        T(test_hook__an_unknown_name_is_an_error_with_a_suggestion),
        T(test_hook__a_name_is_there_once_per_event),
        T(test_hook__handlers_of_one_event_are_bounded),
        T(test_hook__list_shows_the_order),
        T(test_hook__events_stand_beside_the_entities),
        T(test_hook__order_keeps_constraints_whoever_registers_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
