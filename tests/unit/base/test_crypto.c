/* test_crypto - known answers of the standards, and refusals.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/crypto.h"
#include "base/limits.h"

static struct slice bytes(const uint8_t *at, size_t n)
{
    return slice_of((const char *)at, n);
}

static void is_hex(const uint8_t *at, size_t n, const char *hex)
{
    struct buf b = BUF_INIT;

    crypto_put_hex(&b, bytes(at, n));
    assert_string_equal(buf_cstr(&b), hex);
    buf_release(&b);
}

static void test_crypto__sha256_and_hmac_give_the_known_answers(void **state)
{
    uint8_t out[CRYPTO_SHA256_LEN];

    (void)state;
    crypto_sha256(SLICE("abc"), out); /* FIPS 180-4 */
    is_hex(out, sizeof(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256(slice_of(NULL, 0), out);
    is_hex(out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_hmac_sha256(SLICE("Jefe"), SLICE("what do ya want for nothing?"), out); /* RFC 4231 */
    is_hex(out, sizeof(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_crypto__hkdf_gives_the_known_answer(void **state)
{
    struct buf key = BUF_INIT, salt = BUF_INIT, info = BUF_INIT;
    uint8_t out[42];

    (void)state; /* RFC 5869 A.1 */
    assert_true(crypto_parse_hex(SLICE("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), &key));
    assert_true(crypto_parse_hex(SLICE("000102030405060708090a0b0c"), &salt));
    assert_true(crypto_parse_hex(SLICE("f0f1f2f3f4f5f6f7f8f9"), &info));
    crypto_hkdf(buf_slice(&key), buf_slice(&salt), buf_slice(&info), out, sizeof(out));
    is_hex(out, sizeof(out),
           "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    buf_release(&key);
    buf_release(&salt);
    buf_release(&info);
}

static void test_crypto__what_is_sealed_opens_only_unchanged(void **state)
{
    uint8_t key[CRYPTO_KEY_LEN] = {7}, other[CRYPTO_KEY_LEN] = {8};
    struct buf sealed = BUF_INIT, again = BUF_INIT, plain = BUF_INIT;

    (void)state;
    crypto_seal(key, SLICE("lead.phone"), SLICE("13812345678"), &sealed);
    assert_int_equal(sealed.len, CRYPTO_NONCE_LEN + 11 + CRYPTO_TAG_LEN);
    assert_int_equal(crypto_open(key, SLICE("lead.phone"), buf_slice(&sealed), &plain), ERR_OK);
    assert_string_equal(buf_cstr(&plain), "13812345678");
    crypto_seal(key, SLICE("lead.phone"), SLICE("13812345678"), &again);
    assert_false(slice_eq(buf_slice(&sealed), buf_slice(&again)));

    buf_clear(&plain);
    assert_int_equal(crypto_open(other, SLICE("lead.phone"), buf_slice(&sealed), &plain),
                     ERR_CORRUPT);
    assert_int_equal(crypto_open(key, SLICE("lead.email"), buf_slice(&sealed), &plain),
                     ERR_CORRUPT);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.at[i] ^= 1;
        assert_int_equal(crypto_open(key, SLICE("lead.phone"), buf_slice(&sealed), &plain),
                         ERR_CORRUPT);
        sealed.at[i] ^= 1;
        assert_int_equal(crypto_open(key, SLICE("lead.phone"), slice_of(sealed.at, i), &plain),
                         ERR_CORRUPT);
    }
    assert_int_equal(plain.len, 0);
    buf_clear(&sealed);
    crypto_seal(key, SLICE(""), SLICE(""), &sealed);
    assert_int_equal(crypto_open(key, SLICE(""), buf_slice(&sealed), &plain), ERR_OK);
    assert_int_equal(plain.len, 0);
    buf_release(&sealed);
    buf_release(&again);
    buf_release(&plain);
}

static void test_crypto__passwords_verify_and_grow_old(void **state)
{
    struct buf encoded = BUF_INIT, longest = BUF_INIT;

    (void)state;
    crypto_password_hash(SLICE("correct horse"), &encoded);
    assert_true(slice_starts(buf_slice(&encoded), SLICE("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_true(crypto_password_verify(SLICE("correct horse"), buf_cstr(&encoded)));
    assert_false(crypto_password_verify(SLICE("Correct horse"), buf_cstr(&encoded)));
    assert_false(crypto_password_verify(SLICE(""), buf_cstr(&encoded)));
    assert_false(crypto_password_verify(SLICE("correct horse"), "no hash"));
    assert_false(crypto_password_verify(SLICE("correct horse"), NULL));
    assert_false(crypto_password_is_outdated(buf_cstr(&encoded)));
    assert_true(crypto_password_is_outdated("$argon2id$v=19$m=4096,t=3,p=1$c2FsdA$aGFzaA"));

    for (int i = 0; i < PASSWORD_BYTES_MAX; i++)
        buf_put_char(&longest, 'x');
    buf_clear(&encoded);
    crypto_password_hash(buf_slice(&longest), &encoded);
    assert_true(crypto_password_verify(buf_slice(&longest), buf_cstr(&encoded)));
    buf_put_char(&longest, 'x'); /* one beyond: never cut silently */
    assert_false(crypto_password_verify(buf_slice(&longest), buf_cstr(&encoded)));
    buf_release(&encoded);
    buf_release(&longest);
}

/* What a wrapping that was made elsewhere may cost to open: with more it is not even begun. */
static void test_crypto__a_passphrase_costs_so_much_and_no_more(void **state)
{
    static const struct slice salt = {"0123456789abcdef", 16};
    uint8_t key[CRYPTO_KEY_LEN];

    (void)state;
    assert_int_equal(crypto_passphrase_key(SLICE("secret"), salt, 8, PASSPHRASE_PASSES_MAX, key),
                     ERR_OK);
    assert_int_equal(
        crypto_passphrase_key(SLICE("secret"), salt, 8, PASSPHRASE_PASSES_MAX + 1, key),
        ERR_MALFORMED);
    assert_int_equal(crypto_passphrase_key(SLICE("secret"), salt, PASSPHRASE_KIB, 1, key), ERR_OK);
    assert_int_equal(crypto_passphrase_key(SLICE("secret"), salt, PASSPHRASE_KIB_MAX + 1, 1, key),
                     ERR_MALFORMED);
}

static void test_crypto__hex_and_base64url_are_strict(void **state)
{
    static const struct {
        const char *plain, *text;
    } rows[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},           {"foo", "Zm9v"},
                {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"\xfb\xff\xfe", "-__-"}};
    static const char *const bad[] = {"Z", "Zh", "Zm9=", "Zm+v", "Zm9v Yg", "Zm9vYg==", "Zm9"};
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&b);
        crypto_put_base64url(&b, slice_str(rows[i].plain));
        assert_string_equal(buf_cstr(&b), rows[i].text);
        buf_clear(&b);
        assert_true(crypto_parse_base64url(slice_str(rows[i].text), &b));
        assert_string_equal(buf_cstr(&b), rows[i].plain);
    }
    buf_clear(&b);
    buf_put_char(&b, '!');
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(crypto_parse_base64url(slice_str(bad[i]), &b));
        assert_int_equal(b.len, 1);
    }
    assert_false(crypto_parse_hex(SLICE("abc"), &b));
    assert_false(crypto_parse_hex(SLICE("00gg"), &b));
    assert_int_equal(b.len, 1);
    assert_true(crypto_parse_hex(SLICE("00fF"), &b));
    assert_int_equal(b.len, 3);
    buf_release(&b);
}

static void test_crypto__random_fills_and_equal_compares(void **state)
{
    uint8_t a[1000] = {0}, b[1000] = {0}, zero[1000] = {0};

    (void)state;
    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    assert_false(crypto_equal(bytes(a, sizeof(a)), bytes(b, sizeof(b))));
    assert_true(crypto_equal(bytes(a, sizeof(a)), bytes(a, sizeof(a))));
    assert_false(crypto_equal(bytes(a, 5), bytes(a, 6)));
    assert_true(crypto_equal(slice_of(NULL, 0), SLICE("")));
    crypto_wipe(a, sizeof(a));
    assert_memory_equal(a, zero, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto__sha256_and_hmac_give_the_known_answers),
        cmocka_unit_test(test_crypto__hkdf_gives_the_known_answer),
        cmocka_unit_test(test_crypto__what_is_sealed_opens_only_unchanged),
        cmocka_unit_test(test_crypto__passwords_verify_and_grow_old),
        cmocka_unit_test(test_crypto__a_passphrase_costs_so_much_and_no_more),
        cmocka_unit_test(test_crypto__hex_and_base64url_are_strict),
        cmocka_unit_test(test_crypto__random_fills_and_equal_compares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
