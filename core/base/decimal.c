/* decimal - see decimal.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/decimal.h"

#include "base/limits.h"

__extension__ typedef __int128 wide; /* holds any product of two int64 */

bool decimal_parse(struct slice s, int scale, int64_t *out)
{
    bool negative = s.len && s.at[0] == '-';
    bool point = false;
    int fraction = 0, digits = 0;
    int64_t n = 0;

    ASSERT(scale >= 0 && scale <= DECIMAL_SCALE_MAX);
    for (size_t i = negative; i < s.len; i++) {
        int digit = s.at[i] - '0';
        if (s.at[i] == '.' && !point && digits) {
            point = true;
            continue;
        }
        if (digit < 0 || digit > 9 || (point && ++fraction > scale))
            return false;
        digits++;
        /* Counted downwards, because INT64_MIN has no positive twin. */
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
            return false;
    }
    if (digits == 0 || (point && fraction == 0))
        return false;
    for (; fraction < scale; fraction++) {
        if (__builtin_mul_overflow(n, 10, &n))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, n, &n))
        return false;
    *out = n;
    return true;
}

void decimal_put(struct buf *b, int64_t units, int scale)
{
    char digits[DECIMAL_SCALE_MAX + 24];
    size_t at = sizeof(digits);
    uint64_t u = units < 0 ? 0 - (uint64_t)units : (uint64_t)units;

    ASSERT(scale >= 0 && scale <= DECIMAL_SCALE_MAX);
    for (int written = 0; u || written <= scale; written++) {
        if (scale && written == scale)
            digits[--at] = '.';
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    }
    if (units < 0)
        digits[--at] = '-';
    buf_put(b, digits + at, sizeof(digits) - at);
}

void decimal_put_digits(struct buf *b, struct slice digits, int scale)
{
    size_t negative = digits.len > 0 && digits.at[0] == '-';
    struct slice whole = slice_of(digits.at + negative, digits.len - negative);

    ASSERT(scale >= 0 && scale <= DECIMAL_SCALE_MAX);
    ASSERT(whole.len > (size_t)scale);
    if (negative)
        buf_put_char(b, '-');
    buf_put(b, whole.at, whole.len - (size_t)scale);
    if (scale > 0) {
        buf_put_char(b, '.');
        buf_put(b, whole.at + whole.len - (size_t)scale, (size_t)scale);
    }
}

static bool mul_div(wide a, int64_t b, int64_t divisor, int64_t *out)
{
    wide product;
    if (divisor == 0 || __builtin_mul_overflow(a, b, &product))
        return false;
    wide quotient = product / divisor, rest = product % divisor;
    wide twice = (rest < 0 ? -rest : rest) * 2;
    wide whole = divisor < 0 ? -(wide)divisor : divisor;
    if (twice > whole || (twice == whole && (quotient & 1)))
        quotient += (product < 0) == (divisor < 0) ? 1 : -1;
    if (quotient > INT64_MAX || quotient < INT64_MIN)
        return false;
    *out = (int64_t)quotient;
    return true;
}

bool decimal_mul_div(int64_t a, int64_t b, int64_t divisor, int64_t *out)
{
    return mul_div(a, b, divisor, out);
}

bool decimal_digits_mul_div(struct slice digits, int64_t b, int64_t divisor, int64_t *out)
{
    bool negative = digits.len > 0 && digits.at[0] == '-';
    wide a = 0;

    for (size_t i = negative; i < digits.len; i++) {
        int digit = digits.at[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(a, 10, &a) ||
            __builtin_sub_overflow(a, digit, &a))
            return false;
    }
    return digits.len > (size_t)negative && mul_div(negative ? a : -a, b, divisor, out);
}

bool decimal_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

/* Codes of ISO 4217 in use; those without minor digits, with three and with four stand apart. */
static const char two_digits[] =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
    "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ";
static const char no_digits[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ";
static const char three_digits[] = "BHD IQD JOD KWD LYD OMR TND ";
static const char four_digits[] = "CLF UYW ";

int currency_digits(struct slice code)
{
    static const struct {
        const char *codes;
        int digits;
    } groups[] = {{two_digits, 2}, {no_digits, 0}, {three_digits, 3}, {four_digits, 4}};

    if (code.len != 3)
        return -1;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (const char *at = groups[i].codes; *at; at += 4) {
            if (memcmp(at, code.at, 3) == 0)
                return groups[i].digits;
        }
    }
    return -1;
}
