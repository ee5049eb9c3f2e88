/* bind_decimal - exact decimal numbers: crm.decimal("1.25").
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/decimal.h"
#include "script/bind.h"

static int64_t power_of_ten(int n)
{
    int64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static _Noreturn void overflow(lua_State *L)
{
    luaL_error(L, "the number is too large");
    BUG("luaL_error came back");
}

/* Text with as many fraction digits as it has. */
static bool parse(struct slice text, struct decimal_box *out)
{
    ptrdiff_t dot = slice_find(text, SLICE("."));
    int scale = dot < 0 ? 0 : (int)(text.len - (size_t)dot) - 1;
    if (scale > DECIMAL_SCALE_MAX)
        return false;
    out->scale = scale;
    return decimal_parse(text, scale, &out->units);
}

/* A decimal, an integer or a text. Floats are refused: they are not exact. */
static struct decimal_box decimal_at(lua_State *L, int at)
{
    const struct decimal_box *box = luaL_testudata(L, at, DECIMAL_META);
    struct decimal_box made = {0, 0};
    if (box)
        return *box;
    if (lua_isinteger(L, at)) {
        made.units = lua_tointeger(L, at);
        return made;
    }
    if (lua_type(L, at) != LUA_TSTRING || !parse(slice_str(lua_tostring(L, at)), &made))
        luaL_argerror(L, at, "a decimal, an integer or a text such as \"1.25\" is expected");
    return made;
}

static int64_t rescale(lua_State *L, struct decimal_box d, int scale)
{
    int64_t out;
    if (!decimal_mul_div(d.units, power_of_ten(scale), power_of_ten(d.scale), &out))
        overflow(L);
    return out;
}

void decimal_push(lua_State *L, int64_t units, int scale)
{
    struct decimal_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (struct decimal_box){units, scale};
    luaL_setmetatable(L, DECIMAL_META);
}

/*** An exact decimal number.
 * @param value string|integer
 * @usage crm.decimal("19.90") * 3
 */
int bind_decimal_new(lua_State *L)
{
    struct decimal_box d = decimal_at(L, 1);
    decimal_push(L, d.units, d.scale);
    return 1;
}

static int sum(lua_State *L, bool minus)
{
    struct decimal_box a = decimal_at(L, 1), b = decimal_at(L, 2);
    int scale = a.scale > b.scale ? a.scale : b.scale;
    int64_t x = rescale(L, a, scale), y = rescale(L, b, scale), out;
    if ((minus && y == INT64_MIN) || !decimal_add(x, minus ? -y : y, &out))
        overflow(L);
    decimal_push(L, out, scale);
    return 1;
}

static int decimal_plus(lua_State *L)
{
    return sum(L, false);
}

static int decimal_minus(lua_State *L)
{
    return sum(L, true);
}

static int decimal_times(lua_State *L)
{
    struct decimal_box a = decimal_at(L, 1), b = decimal_at(L, 2);
    int scale = a.scale + b.scale < DECIMAL_SCALE_MAX ? a.scale + b.scale : DECIMAL_SCALE_MAX;
    int64_t out;
    if (!decimal_mul_div(a.units, b.units, power_of_ten(a.scale + b.scale - scale), &out))
        overflow(L);
    decimal_push(L, out, scale);
    return 1;
}

static int decimal_negate(lua_State *L)
{
    struct decimal_box a = decimal_at(L, 1);
    if (a.units == INT64_MIN)
        overflow(L);
    decimal_push(L, -a.units, a.scale);
    return 1;
}

/*** Divides, rounded half to even to `scale` fraction digits.
 * @param by decimal|integer|string
 * @param scale integer
 */
static int decimal_div(lua_State *L)
{
    struct decimal_box a = decimal_at(L, 1), b = decimal_at(L, 2);
    lua_Integer scale = luaL_checkinteger(L, 3);
    luaL_argcheck(L, scale >= 0 && scale + b.scale <= DECIMAL_SCALE_MAX, 3,
                  "the scale is too large");
    int64_t out, wide = rescale(L, a, (int)scale + b.scale);
    if (b.units == 0)
        return luaL_error(L, "division by zero");
    if (!decimal_mul_div(wide, 1, b.units, &out))
        overflow(L);
    decimal_push(L, out, (int)scale);
    return 1;
}

/*** Rounds half to even.
 * @param scale integer fraction digits
 */
static int decimal_round(lua_State *L)
{
    struct decimal_box a = decimal_at(L, 1);
    lua_Integer scale = luaL_checkinteger(L, 2);
    luaL_argcheck(L, scale >= 0 && scale <= DECIMAL_SCALE_MAX, 2, "no such scale");
    decimal_push(L, rescale(L, a, (int)scale), (int)scale);
    return 1;
}

static int compare(lua_State *L)
{
    struct decimal_box a = decimal_at(L, 1), b = decimal_at(L, 2);
    int scale = a.scale > b.scale ? a.scale : b.scale;
    int64_t x = rescale(L, a, scale), y = rescale(L, b, scale);
    return (x > y) - (x < y);
}

static int decimal_eq(lua_State *L)
{
    lua_pushboolean(L, compare(L) == 0);
    return 1;
}

static int decimal_lt(lua_State *L)
{
    lua_pushboolean(L, compare(L) < 0);
    return 1;
}

static int decimal_le(lua_State *L)
{
    lua_pushboolean(L, compare(L) <= 0);
    return 1;
}

static int decimal_tostring(lua_State *L)
{
    struct decimal_box a = decimal_at(L, 1);
    struct buf b = BUF_INIT;
    char text[64];
    decimal_put(&b, a.units, a.scale);
    size_t n = b.len < sizeof text ? b.len : sizeof text;
    memcpy(text, b.at, n);
    buf_release(&b);
    lua_pushlstring(L, text, n);
    return 1;
}

static int decimal_tonumber(lua_State *L)
{
    struct decimal_box a = decimal_at(L, 1);
    lua_pushnumber(L, (double)a.units / (double)power_of_ten(a.scale));
    return 1;
}

static const luaL_Reg methods[] = {
    {"div", decimal_div}, {"round", decimal_round}, {"tonumber", decimal_tonumber}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__add", decimal_plus},
                                       {"__sub", decimal_minus},
                                       {"__mul", decimal_times},
                                       {"__unm", decimal_negate},
                                       {"__eq", decimal_eq},
                                       {"__lt", decimal_lt},
                                       {"__le", decimal_le},
                                       {"__tostring", decimal_tostring},
                                       {NULL, NULL}};

void luaopen_crm_decimal(lua_State *L)
{
    luaL_newmetatable(L, DECIMAL_META);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
