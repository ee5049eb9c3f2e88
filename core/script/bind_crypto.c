/* bind_crypto - digests for scripts: crm.sha256(text).
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/crypto.h"
#include "script/bind.h"

/*** The SHA-256 of a text (FIPS 180-4) as 64 hexadecimal digits.
 * @param text string
 * @return string
 */
int bind_sha256(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN];
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    crypto_sha256(slice_of(text, len), sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
    lua_pushlstring(L, hex, sizeof hex);
    return 1;
}
