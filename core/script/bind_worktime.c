/* bind_worktime - business calendars: crm.calendar{ week = …, days = … }.
 *
 * A calendar is a value and never changes. It holds one block of memory and nothing to be freed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/worktime.h"
#include "record/model.h"
#include "script/bind.h"

static const struct worktime *calendar_at(lua_State *L)
{
    return luaL_checkudata(L, 1, WORKTIME_META);
}

static int64_t instant_at(lua_State *L, int at)
{
    const struct time_box *box = luaL_checkudata(L, at, DATETIME_META);
    return box->at;
}

/*** A business calendar: when people work. A wrong one is an error: the member, then the reason in
 * the language of who asks ("week.mon: a range is written 09:00-18:00").
 * @param calendar table zone (else the tenant's), week = { mon = { "09:00-12:00", "13:30-18:00" },
 *   … }, days = { ["2026-10-01"] = {}, ["2026-10-10"] = { "09:00-18:00" } }
 * @return calendar
 * @usage local due = crm.calendar(record.hours):add(ctx.now(), { hours = 4 })
 */
int bind_worktime_new(lua_State *L)
{
    const struct ctx *ctx = vm_ctx(L);
    const struct worktime *calendar;
    struct worktime_fault fault = {"", "", ""};
    luaL_checktype(L, 1, LUA_TTABLE);
    const struct json *json = convert_json(L, 1, ctx->arena, NULL);
    if (worktime_parse(ctx->arena, json, ctx->tenant ? ctx->tenant->timezone : "UTC", &calendar,
                       &fault))
        return luaL_error(L, "%s: %s", fault.where,
                          model_text_or(ctx->model, ctx->arena, ctx->lang, "core",
                                        arena_printf(ctx->arena, "@%s", fault.code), NULL,
                                        fault.text));
    memcpy(lua_newuserdatauv(L, worktime_bytes(calendar), 0), calendar, worktime_bytes(calendar));
    luaL_setmetatable(L, WORKTIME_META);
    return 1;
}

static int answer(lua_State *L, enum err e, int64_t ms)
{
    if (e)
        return luaL_error(L, "this calendar has too little working time ahead");
    datetime_push(L, ms);
    return 1;
}

/*** The first instant by which so much working time has passed.
 * @param from datetime
 * @param units table hours, minutes, seconds, ms: of working time, not negative
 * @return datetime
 */
static int calendar_add(lua_State *L)
{
    const struct worktime *calendar = calendar_at(L);
    int64_t from = instant_at(L, 2), work = bind_time_worked(L, 3), due = 0;
    luaL_argcheck(L, work >= 0, 3, "working time is added, never taken away");
    enum err e = worktime_add(calendar, from, work, &due);
    return answer(L, e, due);
}

/*** Working time from one instant to another in milliseconds; negative when `to` is the earlier.
 * @param from datetime
 * @param to datetime
 * @return integer
 */
static int calendar_between(lua_State *L)
{
    lua_pushinteger(L, worktime_between(calendar_at(L), instant_at(L, 2), instant_at(L, 3)));
    return 1;
}

/*** Whether people work at that instant.
 * @param at datetime
 * @return boolean
 */
static int calendar_is_open(lua_State *L)
{
    lua_pushboolean(L, worktime_is_open(calendar_at(L), instant_at(L, 2)));
    return 1;
}

/*** The first working instant at or after that one.
 * @param at datetime
 * @return datetime
 */
static int calendar_next(lua_State *L)
{
    int64_t at = 0;
    enum err e = worktime_next(calendar_at(L), instant_at(L, 2), &at);
    return answer(L, e, at);
}

struct listing {
    lua_State *L;
    int count;
};

static bool list_take(void *arg, int64_t from_ms, int64_t to_ms)
{
    struct listing *listing = arg;
    lua_createtable(listing->L, 0, 2);
    datetime_push(listing->L, from_ms);
    lua_setfield(listing->L, -2, "from");
    datetime_push(listing->L, to_ms);
    lua_setfield(listing->L, -2, "to");
    lua_rawseti(listing->L, -2, ++listing->count);
    return listing->count < WORKTIME_LISTED_MAX;
}

/*** The stretches of working time between two instants, in order, at most 1,000: to explain a
 * deadline interval by interval.
 * @param from datetime
 * @param to datetime
 * @return table of { from = datetime, to = datetime }
 */
static int calendar_stretches(lua_State *L)
{
    struct listing listing = {L, 0};
    const struct worktime *calendar = calendar_at(L);
    int64_t from = instant_at(L, 2), to = instant_at(L, 3);
    lua_newtable(L);
    worktime_each(calendar, from, to, list_take, &listing);
    return 1;
}

void luaopen_crm_worktime(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", calendar_add},   {"between", calendar_between},     {"is_open", calendar_is_open},
        {"next", calendar_next}, {"stretches", calendar_stretches}, {NULL, NULL},
    };
    luaL_newmetatable(L, WORKTIME_META);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
