/* bind_time - days and instants: crm.date("2026-01-31"), crm.datetime("2026-01-31T09:30:00Z").
 *
 * An instant is UTC milliseconds, a day is a number of days; both are values and never change.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "script/bind.h"

#define DAY_MS    86400000LL
#define HOUR_MS   3600000LL
#define MINUTE_MS 60000LL
#define SECOND_MS 1000LL
#define UNITS_MAX 100000000LL          /* of what :add is given: no sum overflows */
#define MS_MAX    (UNITS_MAX * 1000LL) /* the same in milliseconds: three years */
#define NO_UNIT   "there is no unit"

static struct time_box *box_at(lua_State *L, int at, const char *meta)
{
    return luaL_checkudata(L, at, meta);
}

static void push(lua_State *L, int64_t at, const char *meta)
{
    struct time_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->at = at;
    luaL_setmetatable(L, meta);
}

void date_push(lua_State *L, int64_t days)
{
    push(L, days, DATE_META);
}

void datetime_push(lua_State *L, int64_t ms)
{
    push(L, ms, DATETIME_META);
}

/*** A day.
 * @param text string "YYYY-MM-DD"
 */
int bind_date_new(lua_State *L)
{
    int64_t days;
    if (!date_parse(slice_str(luaL_checkstring(L, 1)), &days))
        return luaL_argerror(L, 1, "a day is written 2026-01-31");
    date_push(L, days);
    return 1;
}

/*** An instant.
 * @param text string RFC 3339 with an offset
 */
int bind_datetime_new(lua_State *L)
{
    int64_t ms;
    if (!time_parse(slice_str(luaL_checkstring(L, 1)), &ms))
        return luaL_argerror(L, 1, "an instant is written 2026-01-31T09:30:00Z");
    datetime_push(L, ms);
    return 1;
}

static int64_t bounded(lua_State *L, int at, const char *name, int64_t most)
{
    lua_getfield(L, at, name);
    int64_t n = luaL_optinteger(L, -1, 0);
    lua_pop(L, 1);
    if (n > most || n < -most)
        luaL_error(L, "%s: too many", name);
    return n;
}

static int64_t unit(lua_State *L, int at, const char *name, int64_t each)
{
    return bounded(L, at, name, UNITS_MAX) * each;
}

int64_t bind_time_worked(lua_State *L, int at)
{
    static const char *const names[] = {"hours", "minutes", "seconds", "ms", NULL};
    bind_members(L, at, NO_UNIT, names); /* it would be an addition of nothing */
    return unit(L, at, "hours", HOUR_MS) + unit(L, at, "minutes", MINUTE_MS) +
           unit(L, at, "seconds", SECOND_MS) + bounded(L, at, "ms", MS_MAX);
}

/*** A later or earlier instant.
 * @param units table weeks, days, hours, minutes, seconds
 * @usage ctx.now():add { hours = 4 }
 */
static int datetime_add(lua_State *L)
{
    static const char *const names[] = {"weeks", "days", "hours", "minutes", "seconds", NULL};
    const struct time_box *box = box_at(L, 1, DATETIME_META);
    bind_members(L, 2, NO_UNIT, names);
    int64_t at = box->at + unit(L, 2, "weeks", 7 * DAY_MS) + unit(L, 2, "days", DAY_MS) +
                 unit(L, 2, "hours", HOUR_MS) + unit(L, 2, "minutes", MINUTE_MS) +
                 unit(L, 2, "seconds", SECOND_MS);
    if (at < TIME_MIN_MS || at > TIME_MAX_MS)
        return luaL_error(L, "that is beyond the calendar");
    datetime_push(L, at);
    return 1;
}

/*** The day it is then in the tenant's time zone. */
static int datetime_date(lua_State *L)
{
    const struct time_box *box = box_at(L, 1, DATETIME_META);
    const struct tenant *tenant = vm_ctx(L)->tenant;
    const struct zone *zone = tenant && tenant->zone ? tenant->zone : zone_find("UTC");
    date_push(L, zone_day(zone, box->at));
    return 1;
}

static int datetime_ms(lua_State *L)
{
    lua_pushinteger(L, box_at(L, 1, DATETIME_META)->at);
    return 1;
}

static int datetime_tostring(lua_State *L)
{
    char text[25];
    time_text(box_at(L, 1, DATETIME_META)->at, text);
    lua_pushstring(L, text);
    return 1;
}

static int days_in(int year, int month)
{
    struct date d = {year, month, 31};
    while (!date_is_valid(d))
        d.day--;
    return d.day;
}

/*** A later or earlier day. Months keep the day of the month where there is one, else the last.
 * @param units table months, weeks, days
 */
static int date_add(lua_State *L)
{
    static const char *const names[] = {"months", "weeks", "days", NULL};
    const struct time_box *box = box_at(L, 1, DATE_META);
    bind_members(L, 2, NO_UNIT, names);
    struct date d = date_from_days(box->at);
    int64_t months = d.year * 12LL + d.month - 1 + unit(L, 2, "months", 1);
    if (months < 12 || months >= 120000)
        return luaL_error(L, "that is beyond the calendar");
    d.year = (int)(months / 12);
    d.month = (int)(months % 12) + 1;
    int last = days_in(d.year, d.month);
    d.day = d.day < last ? d.day : last;
    int64_t at = date_to_days(d) + unit(L, 2, "weeks", 7) + unit(L, 2, "days", 1);
    if (at < TIME_MIN_MS / DAY_MS || at > TIME_MAX_MS / DAY_MS)
        return luaL_error(L, "that is beyond the calendar");
    date_push(L, at);
    return 1;
}

static int date_tostring(lua_State *L)
{
    char text[11];
    date_text(box_at(L, 1, DATE_META)->at, text);
    lua_pushstring(L, text);
    return 1;
}

static int date_part(lua_State *L, int which)
{
    struct date d = date_from_days(box_at(L, 1, DATE_META)->at);
    int parts[] = {d.year, d.month, d.day};
    lua_pushinteger(L, parts[which]);
    return 1;
}

static int date_year(lua_State *L)
{
    return date_part(L, 0);
}

static int date_month(lua_State *L)
{
    return date_part(L, 1);
}

static int date_day(lua_State *L)
{
    return date_part(L, 2);
}

/* Upvalue 1 of the comparisons: the metatable's name. */
static int compare(lua_State *L)
{
    const char *meta = lua_tostring(L, lua_upvalueindex(1));
    int64_t a = box_at(L, 1, meta)->at, b = box_at(L, 2, meta)->at;
    return (a > b) - (a < b);
}

static int time_eq(lua_State *L)
{
    const char *meta = lua_tostring(L, lua_upvalueindex(1));
    const struct time_box *a = luaL_testudata(L, 1, meta), *b = luaL_testudata(L, 2, meta);
    lua_pushboolean(L, a && b && a->at == b->at);
    return 1;
}

static int time_lt(lua_State *L)
{
    lua_pushboolean(L, compare(L) < 0);
    return 1;
}

static int time_le(lua_State *L)
{
    lua_pushboolean(L, compare(L) <= 0);
    return 1;
}

/* Instants: milliseconds between them; days: days. */
static int time_minus(lua_State *L)
{
    const char *meta = lua_tostring(L, lua_upvalueindex(1));
    lua_pushinteger(L, box_at(L, 1, meta)->at - box_at(L, 2, meta)->at);
    return 1;
}

static const luaL_Reg datetime_methods[] = {
    {"add", datetime_add}, {"date", datetime_date}, {"ms", datetime_ms}, {NULL, NULL}};
static const luaL_Reg date_methods[] = {
    {"add", date_add}, {"year", date_year}, {"month", date_month}, {"day", date_day}, {NULL, NULL}};
static const luaL_Reg comparisons[] = {
    {"__eq", time_eq}, {"__lt", time_lt}, {"__le", time_le}, {"__sub", time_minus}, {NULL, NULL}};

static void open_type(lua_State *L, const char *meta, const luaL_Reg *methods,
                      lua_CFunction to_text)
{
    luaL_newmetatable(L, meta);
    lua_pushstring(L, meta);
    luaL_setfuncs(L, comparisons, 1);
    lua_pushcfunction(L, to_text);
    lua_setfield(L, -2, "__tostring");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void luaopen_crm_time(lua_State *L)
{
    open_type(L, DATETIME_META, datetime_methods, datetime_tostring);
    open_type(L, DATE_META, date_methods, date_tostring);
}
