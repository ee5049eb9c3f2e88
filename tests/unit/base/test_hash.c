/* test_hash - known answers, and a map against a plain list.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/hash.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_hash__siphash_gives_the_known_answers(void **state)
{
    char text[15];

    (void)state; /* from the paper: key 00..0f, text 00..0e */
    for (int i = 0; i < 15; i++)
        text[i] = (char)i;
    assert_true(hash_sip(0x0706050403020100, 0x0f0e0d0c0b0a0908, slice_of(text, 15)) ==
                0xa129ca6149be45e5);
    assert_true(hash_sip(0x0706050403020100, 0x0f0e0d0c0b0a0908, slice_of(NULL, 0)) ==
                0x726fdb47dd0e0e31);
}

static void test_hash__the_stable_hash_is_fnv1a(void **state)
{
    (void)state;
    assert_true(hash_stable(SLICE("")) == 0xcbf29ce484222325);
    assert_true(hash_stable(SLICE("foobar")) == 0x85944171f73967e8);
}

static void test_hash__keys_differ_between_processes(void **state)
{
    int fds[2];
    uint64_t other = 0;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    /* Each child draws its own key, because nothing here has hashed yet. */
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            uint64_t hash = hash_bytes(SLICE("key"));
            _exit(write(fds[1], &hash, sizeof(hash)) != sizeof(hash));
        }
        wait(NULL);
    }
    uint64_t one;
    assert_int_equal(read(fds[0], &one, sizeof(one)), sizeof(one));
    assert_int_equal(read(fds[0], &other, sizeof(other)), sizeof(other));
    assert_true(one != other);
    close(fds[0]);
    close(fds[1]);
}

#define KEYS 3000

static void map_exercise(struct arena *arena)
{
    static char keys[KEYS][16];
    static bool present[KEYS];
    struct map m;
    size_t count = 0, at = 0, walked = 0;
    uint32_t seed = 12345;
    struct slice key;
    void *value;

    memset(present, 0, sizeof(present));
    map_init(&m, arena);
    assert_null(map_get(&m, SLICE("x")));
    assert_null(map_remove(&m, SLICE("x")));
    for (int i = 0; i < KEYS; i++)
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
    for (int step = 0; step < 40000; step++) {
        seed = seed * 1664525 + 1013904223;
        size_t i = (seed >> 8) % KEYS;
        void *expected = present[i] ? keys[i] : NULL;
        if (seed >> 30 < 2) {
            assert_ptr_equal(map_put(&m, slice_str(keys[i]), keys[i]), expected);
            count += !present[i];
            present[i] = true;
        } else if (seed >> 30 == 2) {
            assert_ptr_equal(map_remove(&m, slice_str(keys[i])), expected);
            count -= present[i];
            present[i] = false;
        } else {
            assert_ptr_equal(map_get(&m, slice_str(keys[i])), expected);
        }
        assert_int_equal(m.count, count);
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&m, slice_str(keys[i])), present[i] ? keys[i] : NULL);
    while (map_next(&m, &at, &key, &value)) {
        assert_ptr_equal(key.at, value);
        walked++;
    }
    assert_int_equal(walked, count);
    map_release(&m);
    assert_null(map_get(&m, SLICE("k1")));
}

static void test_hash__a_map_agrees_with_a_plain_list(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    map_exercise(NULL);
    map_exercise(arena);
    arena_free(arena);
}

static void test_hash__keys_are_bytes(void **state)
{
    struct map m;
    int a = 0, b = 0, c = 0;

    (void)state;
    map_init(&m, NULL);
    map_put(&m, SLICE(""), &a);
    map_put(&m, SLICE("a"), &b);
    map_put(&m, SLICE("a\0"), &c);
    assert_ptr_equal(map_get(&m, slice_of(NULL, 0)), &a);
    assert_ptr_equal(map_get(&m, SLICE("a")), &b);
    assert_ptr_equal(map_get(&m, SLICE("a\0")), &c);
    assert_ptr_equal(map_put(&m, SLICE("a"), &a), &b);
    assert_int_equal(m.count, 3);
    map_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__keys_differ_between_processes),
        cmocka_unit_test(test_hash__siphash_gives_the_known_answers),
        cmocka_unit_test(test_hash__the_stable_hash_is_fnv1a),
        cmocka_unit_test(test_hash__a_map_agrees_with_a_plain_list),
        cmocka_unit_test(test_hash__keys_are_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
