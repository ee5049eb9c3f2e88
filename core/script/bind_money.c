/* bind_money - amounts of money: integers of minor units with their currency, never floats.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/decimal.h"
#include "script/bind.h"

static struct money_box *money_at(lua_State *L, int at)
{
    return luaL_checkudata(L, at, MONEY_META);
}

static _Noreturn void overflow(lua_State *L)
{
    luaL_error(L, "the amount is too large");
    BUG("luaL_error came back");
}

void money_push_rated(lua_State *L, int64_t minor, struct slice currency, int64_t rate)
{
    struct money_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    ASSERT(currency.len < sizeof box->currency);
    *box = (struct money_box){.minor = minor, .rate = rate};
    memcpy(box->currency, currency.at, currency.len);
    luaL_setmetatable(L, MONEY_META);
}

void money_push(lua_State *L, int64_t minor, struct slice currency)
{
    money_push_rated(L, minor, currency, 0);
}

static int digits_of(lua_State *L, int at, struct slice currency)
{
    int digits = currency_digits(currency);
    if (digits < 0 || currency.len != 3)
        luaL_argerror(L, at, "this is no currency");
    return digits;
}

static int from_table(lua_State *L)
{
    lua_getfield(L, 1, "minor");
    lua_getfield(L, 1, "currency");
    if (!lua_isinteger(L, -2))
        return luaL_argerror(L, 1, "\"minor\" is an integer");
    struct slice currency = slice_str(luaL_optstring(L, -1, vm_of(L)->model->currency));
    (void)digits_of(L, 1, currency);
    money_push(L, lua_tointeger(L, -2), currency);
    return 1;
}

/*** An amount of money. What is reckoned from a record's amount in another currency is stored with
 * the same exchange rate.
 * @param amount string|integer "12.50", or whole units; or { minor = 1250, currency = "CNY" }
 * @param currency string|nil ISO 4217; the tenant's where it is left out
 * @usage crm.money("10000.00", "CNY")
 */
int bind_money_new(lua_State *L)
{
    if (lua_istable(L, 1))
        return from_table(L);
    struct slice currency = slice_str(luaL_optstring(L, 2, vm_of(L)->model->currency));
    int digits = digits_of(L, 2, currency);
    int64_t minor = 0;
    bool fits = lua_type(L, 1) == LUA_TSTRING || lua_isinteger(L, 1);
    if (fits)
        fits = decimal_parse(slice_str(lua_tostring(L, 1)), digits, &minor);
    if (!fits)
        return luaL_argerror(L, 1, "an amount is a text such as \"12.50\" or an integer");
    money_push(L, minor, currency);
    return 1;
}

static void same_currency(lua_State *L, const struct money_box *a, const struct money_box *b)
{
    if (strcmp(a->currency, b->currency) != 0)
        luaL_error(L, "%s and %s cannot be reckoned with together", a->currency, b->currency);
}

static int sum(lua_State *L, bool minus)
{
    const struct money_box *a = money_at(L, 1), *b = money_at(L, 2);
    int64_t out;
    same_currency(L, a, b);
    if ((minus && b->minor == INT64_MIN) ||
        !decimal_add(a->minor, minus ? -b->minor : b->minor, &out))
        overflow(L);
    money_push_rated(L, out, slice_str(a->currency), a->rate == b->rate ? a->rate : 0);
    return 1;
}

static int money_plus(lua_State *L)
{
    return sum(L, false);
}

static int money_minus(lua_State *L)
{
    return sum(L, true);
}

/* By an integer or a decimal; rounded half to even. */
static int money_times(lua_State *L)
{
    int at = luaL_testudata(L, 1, MONEY_META) ? 1 : 2;
    const struct money_box *money = money_at(L, at);
    const struct decimal_box *by = luaL_testudata(L, 3 - at, DECIMAL_META);
    int64_t units, divisor = 1, out;
    if (by) {
        units = by->units;
        for (int i = 0; i < by->scale; i++)
            divisor *= 10;
    } else if (lua_isinteger(L, 3 - at)) {
        units = lua_tointeger(L, 3 - at);
    } else {
        return luaL_argerror(L, 3 - at, "money is multiplied by an integer or a crm.decimal");
    }
    if (!decimal_mul_div(money->minor, units, divisor, &out))
        overflow(L);
    money_push_rated(L, out, slice_str(money->currency), money->rate);
    return 1;
}

static int money_negate(lua_State *L)
{
    const struct money_box *a = money_at(L, 1);
    if (a->minor == INT64_MIN)
        overflow(L);
    money_push_rated(L, -a->minor, slice_str(a->currency), a->rate);
    return 1;
}

static int money_eq(lua_State *L)
{
    const struct money_box *a = luaL_testudata(L, 1, MONEY_META),
                           *b = luaL_testudata(L, 2, MONEY_META);
    lua_pushboolean(L, a && b && a->minor == b->minor && strcmp(a->currency, b->currency) == 0);
    return 1;
}

static int money_lt(lua_State *L)
{
    const struct money_box *a = money_at(L, 1), *b = money_at(L, 2);
    same_currency(L, a, b);
    lua_pushboolean(L, a->minor < b->minor);
    return 1;
}

static int money_le(lua_State *L)
{
    const struct money_box *a = money_at(L, 1), *b = money_at(L, 2);
    same_currency(L, a, b);
    lua_pushboolean(L, a->minor <= b->minor);
    return 1;
}

/* "12.50" into text; returns its length. */
static size_t amount_text(const struct money_box *money, char text[64])
{
    struct buf b = BUF_INIT;
    decimal_put(&b, money->minor, currency_digits(slice_str(money->currency)));
    size_t n = b.len < 64 ? b.len : 63;
    memcpy(text, b.at, n);
    text[n] = 0;
    buf_release(&b);
    return n;
}

static int money_tostring(lua_State *L)
{
    const struct money_box *money = money_at(L, 1);
    char text[64];
    (void)amount_text(money, text);
    lua_pushfstring(L, "%s %s", text, money->currency);
    return 1;
}

static int money_index(lua_State *L)
{
    const struct money_box *money = money_at(L, 1);
    struct slice name = slice_str(luaL_checkstring(L, 2));
    char text[64];
    if (slice_is(name, "minor"))
        lua_pushinteger(L, money->minor);
    else if (slice_is(name, "currency"))
        lua_pushstring(L, money->currency);
    else if (slice_is(name, "amount"))
        lua_pushlstring(L, text, amount_text(money, text));
    else
        return luaL_error(L, "money has minor, currency and amount, no \"%s\"", name.at);
    return 1;
}

static const luaL_Reg metamethods[] = {{"__add", money_plus},    {"__sub", money_minus},
                                       {"__mul", money_times},   {"__unm", money_negate},
                                       {"__eq", money_eq},       {"__lt", money_lt},
                                       {"__le", money_le},       {"__tostring", money_tostring},
                                       {"__index", money_index}, {NULL, NULL}};

void luaopen_crm_money(lua_State *L)
{
    luaL_newmetatable(L, MONEY_META);
    luaL_setfuncs(L, metamethods, 0);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
