/* bind_crypto - digests and secrets for scripts: crm.sha256(text), crm.token().
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/crypto.h"
#include "script/bind.h"

static void push_hex(lua_State *L, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * CRYPTO_SHA256_LEN];
    ASSERT(2 * count <= sizeof hex);
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    lua_pushlstring(L, hex, 2 * count);
}

/*** The SHA-256 of a text (FIPS 180-4) as 64 hexadecimal digits.
 * @param text string
 * @return string
 */
int bind_sha256(lua_State *L)
{
    uint8_t sum[CRYPTO_SHA256_LEN];
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    crypto_sha256(slice_of(text, len), sum);
    push_hex(L, sum, sizeof sum);
    return 1;
}

/*** A text that nobody can guess: 128 random bits as 32 hexadecimal digits, for links and codes.
 * @return string
 */
int bind_token(lua_State *L)
{
    uint8_t bytes[16];
    crypto_random(bytes, sizeof bytes);
    push_hex(L, bytes, sizeof bytes);
    return 1;
}
