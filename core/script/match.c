/* match - see match.h. The rules are those of the Lua 5.4 reference manual, section 6.4.1; where it
 * is silent, those of Lua itself, which the fuzz target compares with.
 *
 * A pattern is walked as it is written. Each way to go on is tried by recursion, at most
 * DEPTH_MAX deep; the walk goes back by returning NULL. Strings of Lua end in a NUL behind their
 * length, so one byte beyond pattern and text may be read.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/match.h"

#include <ctype.h>

#include "script/vm_in.h"

#define CAPTURES_MAX 32  /* as in Lua */
#define DEPTH_MAX    200 /* the same */
#define POLL_STEPS   4096
#define ESCAPE       '%'
/* One walk is one function to the compiler, so place and pattern stay in registers. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#ifdef PERIGEE_FUZZ
#define STEPS_MAX 20000 /* the other side has no bound */
#else
#define STEPS_MAX SCRIPT_STEPS_MAX
#endif

enum { OPEN = -1, POSITION = -2 }; /* in place of a capture's length */

struct match {
    lua_State *L;
    const char *text, *text_end;
    const char *pattern, *pattern_end;
    int fuel, granted; /* steps left until the next look at the clock; given to this attempt */
    int depth;
    int captures_count;
    struct capture {
        const char *at;
        ptrdiff_t len;
    } captures[CAPTURES_MAX];
};

static const char *walk(struct match *m, const char *s, const char *p);

/* The clock is looked at between two grants. */
static void refuel(struct match *m)
{
    while (m->fuel < 0) {
        int more = STEPS_MAX - m->granted < POLL_STEPS ? STEPS_MAX - m->granted : POLL_STEPS;
        if (more == 0)
            luaL_error(m->L, "pattern too complex: more than %d steps", STEPS_MAX);
        vm_poll(m->L);
        m->granted += more;
        m->fuel += more;
    }
}

static inline void count(struct match *m, size_t steps)
{
    m->fuel -= (int)steps; /* a text has at most VM_BYTES_MAX bytes */
    if (m->fuel < 0)
        refuel(m);
}

/* --- one character --- */

static int byte(const char *at)
{
    return (unsigned char)*at;
}

static inline bool class_has(int c, int name)
{
    bool has;
    switch (tolower(name)) {
    case 'a':
        has = isalpha(c);
        break;
    case 'c':
        has = iscntrl(c);
        break;
    case 'd':
        has = isdigit(c);
        break;
    case 'g':
        has = isgraph(c);
        break;
    case 'l':
        has = islower(c);
        break;
    case 'p':
        has = ispunct(c);
        break;
    case 's':
        has = isspace(c);
        break;
    case 'u':
        has = isupper(c);
        break;
    case 'w':
        has = isalnum(c);
        break;
    case 'x':
        has = isxdigit(c);
        break;
    case 'z': /* of older versions, and still there */
        has = c == 0;
        break;
    default:
        return name == c;
    }
    return isupper(name) ? !has : has;
}

/* The set between '[' at p and ']' at last. */
static bool set_has(struct match *m, int c, const char *p, const char *last)
{
    bool is_in = true;
    if (p[1] == '^') {
        is_in = false;
        p++;
    }
    count(m, (size_t)(last - p) / 8);
    while (++p < last) {
        if (*p == ESCAPE) {
            p++;
            if (class_has(c, byte(p)))
                return is_in;
        } else if (p[1] == '-' && p + 2 < last) {
            p += 2;
            if (byte(p - 2) <= c && c <= byte(p))
                return is_in;
        } else if (byte(p) == c) {
            return is_in;
        }
    }
    return !is_in;
}

/* Behind the single character, class or set at p. */
static inline const char *item_end(struct match *m, const char *p)
{
    const char *start = p;
    switch (*p++) {
    case ESCAPE:
        if (p == m->pattern_end)
            luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    case '[':
        if (*p == '^')
            p++;
        do { /* a ] that comes first stands for itself */
            if (p == m->pattern_end)
                luaL_error(m->L, "malformed pattern (missing ']')");
            if (*p++ == ESCAPE && p < m->pattern_end)
                p++;
        } while (*p != ']');
        count(m, (size_t)(p - start) / 8);
        return p + 1;
    default:
        return p;
    }
}

/* Does the character at s fit the item from p to end? */
static inline bool item_fits(struct match *m, const char *s, const char *p, const char *end)
{
    count(m, 1);
    if (s >= m->text_end)
        return false;
    switch (*p) {
    case '.':
        return true;
    case ESCAPE:
        return class_has(byte(s), byte(p + 1));
    case '[':
        return set_has(m, byte(s), p, end - 1);
    default:
        return *p == *s;
    }
}

/* --- what spans several --- */

static const char *walk_balance(struct match *m, const char *s, const char *p)
{
    if (p >= m->pattern_end - 1)
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (*s != *p)
        return NULL;
    int open = *p, close = p[1];
    int64_t depth = 1;
    while (++s < m->text_end) {
        count(m, 1);
        if (*s == close) {
            if (--depth == 0)
                return s + 1;
        } else if (*s == open) {
            depth++;
        }
    }
    return NULL;
}

/* As many as fit, then fewer and fewer. */
static const char *walk_most(struct match *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t i = 0;
    while (item_fits(m, s + i, p, end))
        i++;
    for (; i >= 0; i--) {
        const char *found = walk(m, s + i, end + 1);
        if (found)
            return found;
    }
    return NULL;
}

/* None, then more and more. */
static const char *walk_least(struct match *m, const char *s, const char *p, const char *end)
{
    for (;;) {
        const char *found = walk(m, s, end + 1);
        if (found)
            return found;
        if (!item_fits(m, s, p, end))
            return NULL;
        s++;
    }
}

static const char *walk_open(struct match *m, const char *s, const char *p, int what)
{
    if (m->captures_count >= CAPTURES_MAX)
        luaL_error(m->L, "too many captures");
    m->captures[m->captures_count++] = (struct capture){s, what};
    const char *found = walk(m, s, p);
    if (!found)
        m->captures_count--;
    return found;
}

static const char *walk_close(struct match *m, const char *s, const char *p)
{
    int i = m->captures_count - 1;
    while (i >= 0 && m->captures[i].len != OPEN)
        i--;
    if (i < 0)
        luaL_error(m->L, "invalid pattern capture");
    m->captures[i].len = s - m->captures[i].at;
    const char *found = walk(m, s, p);
    if (!found)
        m->captures[i].len = OPEN;
    return found;
}

/* %1: the same text again. A place is no text and never comes again. */
static const char *walk_again(struct match *m, const char *s, int digit)
{
    int i = digit - '1';
    if (i < 0 || i >= m->captures_count || m->captures[i].len == OPEN)
        luaL_error(m->L, "invalid capture index %%%d", i + 1);
    size_t len = (size_t)m->captures[i].len;
    if ((size_t)(m->text_end - s) < len)
        return NULL;
    count(m, len / 8);
    return memcmp(m->captures[i].at, s, len) == 0 ? s + len : NULL;
}

/* %f at p, its set behind. Gives where the pattern goes on, or NULL. */
static const char *walk_frontier(struct match *m, const char *s, const char *p)
{
    if (*p != '[')
        luaL_error(m->L, "missing '[' after '%%f' in pattern");
    const char *end = item_end(m, p);
    int before = s == m->text ? 0 : byte(s - 1);
    bool is_edge = !set_has(m, before, p, end - 1) && set_has(m, byte(s), p, end - 1);
    return is_edge ? end : NULL;
}

/* --- the walk --- */

/* A single item with what follows it. True: go on at *s and *p; false: *s is the answer. */
static ALWAYS_INLINE bool step_item(struct match *m, const char **s, const char **p)
{
    const char *end = item_end(m, *p);
    const char *found;
    if (!item_fits(m, *s, *p, end)) {
        if (*end == '*' || *end == '?' || *end == '-') { /* none is enough */
            *p = end + 1;
            return true;
        }
        *s = NULL;
        return false;
    }
    switch (*end) {
    case '?':
        found = walk(m, *s + 1, end + 1);
        if (!found) {
            *p = end + 1;
            return true;
        }
        *s = found;
        return false;
    case '+':
        *s = walk_most(m, *s + 1, *p, end);
        return false;
    case '*':
        *s = walk_most(m, *s, *p, end);
        return false;
    case '-':
        *s = walk_least(m, *s, *p, end);
        return false;
    default:
        *s += 1;
        *p = end;
        return true;
    }
}

/* The same for what begins with %. */
static ALWAYS_INLINE bool step_escape(struct match *m, const char **s, const char **p)
{
    int c = byte(*p + 1);
    if (c == 'b') {
        *s = walk_balance(m, *s, *p + 2);
        *p += 4;
        return *s != NULL;
    }
    if (c == 'f') {
        *p = walk_frontier(m, *s, *p + 2);
        if (!*p)
            *s = NULL;
        return *p != NULL;
    }
    if (isdigit(c)) {
        *s = walk_again(m, *s, c);
        *p += 2;
        return *s != NULL;
    }
    return step_item(m, s, p);
}

static ALWAYS_INLINE bool step(struct match *m, const char **s, const char **p)
{
    const char *at = *p;
    switch (*at) {
    case '(':
        if (at[1] == ')')
            *s = walk_open(m, *s, at + 2, POSITION);
        else
            *s = walk_open(m, *s, at + 1, OPEN);
        return false;
    case ')':
        *s = walk_close(m, *s, at + 1);
        return false;
    case '$':
        if (at + 1 != m->pattern_end)
            return step_item(m, s, p);
        if (*s != m->text_end)
            *s = NULL;
        return false;
    case ESCAPE:
        return step_escape(m, s, p);
    default:
        return step_item(m, s, p);
    }
}

/* Where the match of p, begun at s, ends; NULL: it does not fit. */
static const char *walk(struct match *m, const char *s, const char *p)
{
    if (m->depth++ == DEPTH_MAX)
        luaL_error(m->L, "pattern too complex");
    bool goes_on = true;
    while (goes_on && p != m->pattern_end)
        goes_on = step(m, &s, &p);
    m->depth--;
    return s;
}

/* --- around it --- */

static void match_set(struct match *m, lua_State *L, struct slice text, struct slice pattern)
{
    m->L = L;
    m->text = text.at;
    m->text_end = text.at + text.len;
    m->pattern = pattern.at;
    m->pattern_end = pattern.at + pattern.len;
}

static const char *attempt(struct match *m, const char *s)
{
    m->captures_count = 0;
    m->depth = 0;
    m->fuel = m->granted = POLL_STEPS;
    return walk(m, s, m->pattern);
}

/* A scan polls by the place it has reached: an attempt there may be over after one step. */
static void poll_at(const struct match *m, const char *s)
{
    if (((size_t)(s - m->text) & (POLL_STEPS - 1)) == POLL_STEPS - 1)
        vm_poll(m->L);
}

/* Pushes a capture, or the whole match for the first of none. [-0, +1] */
static void push_capture(struct match *m, int i, const char *s, const char *end)
{
    if (i >= m->captures_count) {
        if (i != 0)
            luaL_error(m->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(m->L, s, (size_t)(end - s));
        return;
    }
    const struct capture *capture = &m->captures[i];
    if (capture->len == OPEN)
        luaL_error(m->L, "unfinished capture");
    if (capture->len == POSITION)
        lua_pushinteger(m->L, capture->at - m->text + 1);
    else
        lua_pushlstring(m->L, capture->at, (size_t)capture->len);
}

/* s NULL: only what was captured. [-0, +n] */
static int push_captures(struct match *m, const char *s, const char *end)
{
    int n = m->captures_count == 0 && s ? 1 : m->captures_count;
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(m, i, s, end);
    return n;
}

static struct slice text_arg(lua_State *L, int at)
{
    size_t len;
    const char *text = luaL_checklstring(L, at, &len);
    return slice_of(text, len);
}

/* The optional start, as an offset; beyond the text it is text.len + 1. */
static size_t start_arg(lua_State *L, int at, size_t len)
{
    lua_Integer start = luaL_optinteger(L, at, 1);
    if (start > 0)
        return (lua_Unsigned)start - 1 > len ? len + 1 : (size_t)start - 1;
    if (start == 0 || start < -(lua_Integer)len)
        return 0;
    return len - (size_t)-start;
}

static bool is_plain(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.at[i] && strchr("^$*+?.([%-", pattern.at[i]))
            return false;
    return true;
}

static int find_plain(lua_State *L, struct slice text, size_t start, struct slice part)
{
    const char *found =
        part.len ? memmem(text.at + start, text.len - start, part.at, part.len) : text.at + start;
    if (!found) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, found - text.at + 1);
    lua_pushinteger(L, found - text.at + (ptrdiff_t)part.len);
    return 2;
}

/* Drops the ^ that ties a pattern to where it begins. */
static bool take_anchor(struct slice *pattern)
{
    if (!pattern->len || *pattern->at != '^')
        return false;
    *pattern = slice_of(pattern->at + 1, pattern->len - 1);
    return true;
}

static int search(lua_State *L, bool is_find)
{
    struct slice text = text_arg(L, 1), pattern = text_arg(L, 2);
    size_t start = start_arg(L, 3, text.len);
    struct match m;
    if (start > text.len) {
        luaL_pushfail(L);
        return 1;
    }
    if (is_find && (lua_toboolean(L, 4) || is_plain(pattern)))
        return find_plain(L, text, start, pattern);
    bool is_tied = take_anchor(&pattern);
    match_set(&m, L, text, pattern);
    const char *s = text.at + start;
    do {
        const char *end = attempt(&m, s);
        poll_at(&m, s);
        if (end && is_find) {
            lua_pushinteger(L, s - text.at + 1);
            lua_pushinteger(L, end - text.at);
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (end)
            return push_captures(&m, s, end);
    } while (s++ < m.text_end && !is_tied);
    luaL_pushfail(L);
    return 1;
}

int match_find(lua_State *L)
{
    return search(L, true);
}

int match_match(lua_State *L)
{
    return search(L, false);
}

/* --- gmatch --- */

struct walker {
    struct match match;
    const char *at, *last; /* where to go on; the end of the match before, or NULL */
};

/* Upvalues: text and pattern, to keep them, and the walker. */
static int next_match(lua_State *L)
{
    struct walker *walker = lua_touserdata(L, lua_upvalueindex(3));
    struct match *m = &walker->match;
    m->L = L;
    for (const char *s = walker->at; s <= m->text_end; s++) {
        const char *end = attempt(m, s);
        poll_at(m, s);
        if (end && end != walker->last) {
            walker->at = walker->last = end;
            return push_captures(m, s, end);
        }
    }
    return 0;
}

int match_gmatch(lua_State *L)
{
    struct slice text = text_arg(L, 1), pattern = text_arg(L, 2);
    size_t start = start_arg(L, 3, text.len);
    lua_settop(L, 2);
    struct walker *walker = lua_newuserdatauv(L, sizeof *walker, 0);
    match_set(&walker->match, L, text, pattern);
    walker->at = text.at + start;
    walker->last = NULL;
    lua_pushcclosure(L, next_match, 3);
    return 1;
}

/* --- gsub --- */

static void check_length(lua_State *L, luaL_Buffer *out, size_t more)
{
    if (luaL_bufflen(out) + more > SCRIPT_STRING_BYTES_MAX)
        luaL_error(L, "string.gsub: the result would be longer than %d bytes",
                   SCRIPT_STRING_BYTES_MAX);
}

static void add_bytes(lua_State *L, luaL_Buffer *out, const char *at, size_t len)
{
    check_length(L, out, len);
    luaL_addlstring(out, at, len);
}

/* The value on top, which is a string or number. [-1, +0] */
static void add_top(lua_State *L, luaL_Buffer *out)
{
    size_t len;
    (void)lua_tolstring(L, -1, &len);
    check_length(L, out, len);
    luaL_addvalue(out);
}

/* The replacement with its %0 … %9 filled in. */
static void add_text(struct match *m, luaL_Buffer *out, const char *s, const char *end)
{
    lua_State *L = m->L;
    size_t len;
    const char *at = lua_tolstring(L, 3, &len), *stop = at + len, *next;
    while ((next = memchr(at, ESCAPE, (size_t)(stop - at)))) {
        add_bytes(L, out, at, (size_t)(next - at));
        next++;
        if (*next == ESCAPE) {
            luaL_addchar(out, ESCAPE);
        } else if (*next == '0') {
            add_bytes(L, out, s, (size_t)(end - s));
        } else if (isdigit(byte(next))) {
            push_capture(m, *next - '1', s, end);
            add_top(L, out);
        } else {
            luaL_error(L, "invalid use of '%c' in replacement string", ESCAPE);
        }
        at = next + 1;
    }
    add_bytes(L, out, at, (size_t)(stop - at));
}

/* Adds what stands for the match; false: the match itself. */
static bool add_replacement(struct match *m, luaL_Buffer *out, const char *s, const char *end)
{
    lua_State *L = m->L;
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, end), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, s, end);
        lua_gettable(L, 3);
        break;
    default:
        add_text(m, out, s, end);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        add_bytes(L, out, s, (size_t)(end - s));
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    add_top(L, out);
    return true;
}

int match_gsub(lua_State *L)
{
    struct slice text = text_arg(L, 1), pattern = text_arg(L, 2);
    int type = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)text.len + 1), n = 0;
    struct match m;
    luaL_Buffer out;
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    bool is_tied = take_anchor(&pattern), is_changed = false;
    match_set(&m, L, text, pattern);
    luaL_buffinit(L, &out);
    const char *s = text.at, *last = NULL;
    while (n < most) {
        const char *end = attempt(&m, s);
        poll_at(&m, s);
        if (end && end != last) {
            n++;
            is_changed = add_replacement(&m, &out, s, end) || is_changed;
            s = last = end;
        } else if (s < m.text_end) {
            luaL_addchar(&out, *s++);
        } else {
            break;
        }
        if (is_tied)
            break;
    }
    if (is_changed) {
        add_bytes(L, &out, s, (size_t)(m.text_end - s));
        luaL_pushresult(&out);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, n);
    return 2;
}
