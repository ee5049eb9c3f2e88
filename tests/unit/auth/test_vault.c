/* test_vault - keys per class, values bound to their place, rotation, passphrases.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "auth/vault.h"
#include "base/limits.h"
#include "office.h"

#define OK(e) assert_int_equal((e), ERR_OK)

static const struct vault_place HERE = {VAULT_ID_CARD, "e7", "f3", 42};
static const struct slice PLAIN = {"11010519491231002X", 18};

static struct slice seal(struct office *o, const struct vault_place *place, struct slice plain)
{
    struct buf b = BUF_INIT;
    office_begin(o);
    OK(office_end(o, vault_seal(&o->ctx, place, plain, &b)));
    struct slice sealed = arena_slice(o->arena, buf_slice(&b));
    buf_release(&b);
    return sealed;
}

static enum err open_at(struct office *o, const struct vault_place *place, struct slice sealed,
                        bool *same)
{
    struct buf b = BUF_INIT;
    enum err e = vault_open(&o->ctx, place, sealed, &b);
    *same = slice_eq(buf_slice(&b), PLAIN);
    buf_release(&b);
    return e;
}

static void test_vault__a_value_opens_only_in_its_place(void **state)
{
    struct office *o = *state;
    struct slice sealed = seal(o, &HERE, PLAIN);
    bool same = false;
    OK(open_at(o, &HERE, sealed, &same));
    assert_true(same);
    assert_int_equal(slice_find(sealed, SLICE("11010519")), -1);
    struct vault_place other = HERE;
    other.record = 43;
    assert_int_equal(open_at(o, &other, sealed, &same), ERR_CORRUPT);
    other = HERE;
    other.field = "f4";
    assert_int_equal(open_at(o, &other, sealed, &same), ERR_CORRUPT);
    other = HERE;
    other.entity = "e8";
    assert_int_equal(open_at(o, &other, sealed, &same), ERR_CORRUPT);
    (void)seal(o, &(struct vault_place){VAULT_SECRET, "e7", "f3", 42}, PLAIN);
    other = HERE;
    other.class = VAULT_SECRET;
    assert_int_equal(open_at(o, &other, sealed, &same), ERR_CORRUPT);
    o->ctx.tenant = o->bolt;
    (void)seal(o, &HERE, PLAIN); /* bolt has keys of its own */
    assert_int_equal(open_at(o, &HERE, sealed, &same), ERR_CORRUPT);
}

static void test_vault__bytes_that_were_not_sealed_are_corrupt(void **state)
{
    struct office *o = *state;
    struct slice sealed = seal(o, &HERE, PLAIN);
    bool same;
    for (size_t i = 0; i < sealed.len; i++) {
        char *bytes = arena_str(o->arena, sealed);
        bytes[i] = (char)(bytes[i] ^ 1);
        enum err e = open_at(o, &HERE, slice_of(bytes, sealed.len), &same);
        assert_true(e == ERR_CORRUPT || e == ERR_KEYS_LOCKED);
        assert_int_not_equal(open_at(o, &HERE, slice_of(sealed.at, i), &same), ERR_OK);
    }
    assert_int_equal(vault_version(PLAIN), 0);
    assert_int_equal(vault_version(sealed), 1);
}

static void test_vault__keys_of_what_was_rolled_back_seal_nothing(void **state)
{
    struct office *o = *state;
    struct buf b = BUF_INIT;
    office_begin(o);
    OK(vault_seal(&o->ctx, &HERE, PLAIN, &b));
    assert_int_equal(office_end(o, ERR_CONFLICT), ERR_CONFLICT);
    assert_int_equal(office_count(o, "vault_key"), 0);
    struct slice sealed = seal(o, &HERE, PLAIN);
    bool same = false;
    OK(open_at(o, &HERE, sealed, &same));
    assert_true(same);
    assert_int_equal(office_count(o, "vault_key"), 2);
    buf_release(&b);
}

static void test_vault__a_savepoint_that_goes_takes_its_keys_along(void **state)
{
    struct office *o = *state;
    struct store *store = o->ctx.tenant->store;
    struct buf b = BUF_INIT, kept = BUF_INIT;
    office_begin(o);
    OK(store_savepoint(store));
    OK(vault_seal(&o->ctx, &HERE, PLAIN, &b));
    assert_int_equal(store_savepoint_end(store, ERR_CONFLICT), ERR_CONFLICT);
    OK(office_end(o, vault_seal(&o->ctx, &HERE, PLAIN, &kept)));
    tenants_drop(o->tenants, "nobody"); /* the pinned tenant keeps what it has in memory */
    bool same = false;
    OK(open_at(o, &HERE, buf_slice(&kept), &same));
    assert_true(same);
    buf_release(&b);
    buf_release(&kept);
}

static void test_vault__equal_values_have_equal_indexes_within_a_field(void **state)
{
    struct office *o = *state;
    uint8_t one[VAULT_INDEX_LEN], two[VAULT_INDEX_LEN];
    struct vault_place other = HERE;
    assert_int_equal(vault_index(&o->ctx, &HERE, PLAIN, one), ERR_NOT_FOUND);
    (void)seal(o, &HERE, PLAIN);
    OK(vault_index(&o->ctx, &HERE, PLAIN, one));
    other.record = 99;
    OK(vault_index(&o->ctx, &other, PLAIN, two));
    assert_memory_equal(one, two, sizeof one);
    OK(vault_index(&o->ctx, &HERE, SLICE("another"), two));
    assert_memory_not_equal(one, two, sizeof one);
    other.field = "f4";
    OK(vault_index(&o->ctx, &other, PLAIN, two));
    assert_memory_not_equal(one, two, sizeof one);
}

static void test_vault__rotation_leaves_old_values_readable(void **state)
{
    struct office *o = *state;
    struct slice old = seal(o, &HERE, PLAIN);
    uint8_t before[VAULT_INDEX_LEN], after[VAULT_INDEX_LEN];
    OK(vault_index(&o->ctx, &HERE, PLAIN, before));
    office_begin(o);
    OK(office_end(o, vault_rotate(&o->ctx)));
    int64_t version = 0;
    OK(vault_current(o->acme, VAULT_ID_CARD, &version));
    assert_int_equal(version, 2);
    OK(vault_current(o->acme, VAULT_TOTP, &version));
    assert_int_equal(version, 0); /* never used: nothing to rotate */
    struct slice fresh = seal(o, &HERE, PLAIN);
    assert_int_equal(vault_version(old), 1);
    assert_int_equal(vault_version(fresh), 2);
    bool same = false;
    OK(open_at(o, &HERE, old, &same));
    assert_true(same);
    OK(vault_index(&o->ctx, &HERE, PLAIN, after));
    assert_memory_equal(before, after, sizeof before);
    office_begin(o);
    OK(office_end(o, vault_retire(&o->ctx)));
    struct vault_key_info *keys;
    int count;
    OK(vault_list(o->acme, o->arena, &keys, &count));
    assert_int_equal(count, 3);
    assert_string_equal(keys[0].kind, "data");
    assert_string_equal(keys[0].state, "retired");
    assert_string_equal(keys[1].state, "active");
    assert_string_equal(keys[2].kind, "index");
    OK(open_at(o, &HERE, old, &same));
}

static void test_vault__a_process_without_the_master_key_is_told_to_ask_a_runner(void **state)
{
    struct office *o = *state;
    struct slice sealed = seal(o, &HERE, PLAIN);
    const uint8_t *master = o->acme->master;
    bool same;
    o->acme->master = NULL;
    assert_int_equal(open_at(o, &HERE, sealed, &same), ERR_TIMEOUT);
    o->acme->master = master;
}

/* The same store under another master key: what a copied folder is elsewhere. */
static uint8_t foreign[CRYPTO_KEY_LEN] = {7};

static void move_away(struct office *o)
{
    o->acme->master = foreign;
    office_begin(o); /* any change of users makes every process read the keys anew */
    OK(office_end(o, store_header_bump(o->acme->store, false, true)));
}

static void test_vault__elsewhere_keys_are_locked_until_the_passphrase_comes(void **state)
{
    struct office *o = *state;
    struct slice sealed = seal(o, &HERE, PLAIN), right = SLICE("correct horse battery");
    struct buf pack = BUF_INIT, b = BUF_INIT;
    struct vault_pack *open = NULL;
    bool same = false;
    OK(vault_pack(&o->ctx, right, &pack));
    move_away(o);
    assert_int_equal(open_at(o, &HERE, sealed, &same), ERR_KEYS_LOCKED);
    office_begin(o);
    assert_int_equal(office_end(o, vault_seal(&o->ctx, &HERE, PLAIN, &b)), ERR_KEYS_LOCKED);
    assert_int_equal(
        vault_unpack_open(&o->ctx, buf_slice(&pack), SLICE("wrong horse battery"), &open),
        ERR_VALIDATION);
    assert_string_equal(o->ctx.err.first->code, "wrong_passphrase");
    OK(vault_unpack_open(&o->ctx, buf_slice(&pack), right, &open));
    office_begin(o);
    OK(office_end(o, vault_unpack_store(&o->ctx, open)));
    OK(open_at(o, &HERE, sealed, &same));
    assert_true(same);
    buf_release(&pack);
    buf_release(&b);
}

static void test_vault__keys_of_another_store_are_refused(void **state)
{
    struct office *o = *state;
    struct slice phrase = SLICE("correct horse battery");
    struct buf pack = BUF_INIT;
    struct vault_pack *open = NULL;
    (void)seal(o, &HERE, PLAIN);
    OK(vault_pack(&o->ctx, phrase, &pack));
    o->ctx.tenant = o->bolt;
    (void)seal(o, &HERE, PLAIN);
    OK(vault_unpack_open(&o->ctx, buf_slice(&pack), phrase, &open));
    office_begin(o);
    assert_int_equal(office_end(o, vault_unpack_store(&o->ctx, open)), ERR_VALIDATION);
    assert_string_equal(o->ctx.err.first->code, "keys_other");
    buf_release(&pack);
}

static void test_vault__a_passphrase_has_a_least_length(void **state)
{
    struct office *o = *state;
    struct buf pack = BUF_INIT;
    char phrase[PASSPHRASE_CHARS_MIN + 1] = {0};
    memset(phrase, 'q', PASSPHRASE_CHARS_MIN);
    (void)seal(o, &HERE, PLAIN);
    assert_int_equal(vault_pack(&o->ctx, slice_of(phrase, PASSPHRASE_CHARS_MIN - 1), &pack),
                     ERR_VALIDATION);
    assert_int_equal(pack.len, 0);
    OK(vault_pack(&o->ctx, slice_of(phrase, PASSPHRASE_CHARS_MIN), &pack));
    buf_release(&pack);
}

static void test_vault__hostile_packs_are_refused(void **state)
{
    static const char *const packs[] = {
        "",
        "{}",
        "[]",
        "{\"format\":1,\"vault\":\"AAAA\",\"keys\":[]}",
        "{\"format\":1,\"vault\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"kdf\":{\"name\":\"argon2id\","
        "\"memory_kib\":1073741824,\"passes\":3,\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\"},\"keys\":[]}",
        "{\"format\":1,\"vault\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"kdf\":{\"name\":\"argon2id\","
        "\"memory_kib\":8,\"passes\":1,\"salt\":\"AA\"},\"keys\":[]}",
        "{\"format\":1,\"vault\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"kdf\":{\"name\":\"argon2id\","
        "\"memory_kib\":8,\"passes\":1,\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\"},\"keys\":[]}",
    };
    struct office *o = *state;
    struct vault_pack *open = NULL;
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++)
        assert_int_equal(
            vault_unpack_open(&o->ctx, slice_str(packs[i]), SLICE("any phrase at all"), &open),
            ERR_VALIDATION);
}

#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_vault__a_value_opens_only_in_its_place),
        T(test_vault__bytes_that_were_not_sealed_are_corrupt),
        T(test_vault__keys_of_what_was_rolled_back_seal_nothing),
        T(test_vault__a_savepoint_that_goes_takes_its_keys_along),
        T(test_vault__equal_values_have_equal_indexes_within_a_field),
        T(test_vault__rotation_leaves_old_values_readable),
        T(test_vault__a_process_without_the_master_key_is_told_to_ask_a_runner),
        T(test_vault__elsewhere_keys_are_locked_until_the_passphrase_comes),
        T(test_vault__keys_of_another_store_are_refused),
        T(test_vault__a_passphrase_has_a_least_length),
        T(test_vault__hostile_packs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
