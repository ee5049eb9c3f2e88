/* lint_code - which globals a file uses, read from what Lua 5.4 has compiled it to.
 *
 * The compiler knows every scope, so nothing here has to. Our own compiler made the code a moment
 * ago: its format is the one of LUAC_VERSION 5.4, and what does not look so is passed over.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "script/lint_in.h"
#include "script/sandbox.h"

#define LINT_DEPTH_MAX 200 /* as the compiler has it */
#define HEADER_BYTES   31  /* signature, version, format, data, sizes, two samples */

enum { OP_GETTABUP = 11, OP_SETTABUP = 15 };
enum { CONST_SHORT = 4, CONST_LONG = 20, CONST_INT = 3, CONST_FLOAT = 19 };

struct code_reader {
    struct slice rest;
    bool failed;
};

struct unit_code {
    const unsigned char *ops, *lines;
    const struct slice *constants;
    struct slice *upvalues;
    int ops_count, constants_count, upvalues_count, lines_count, first_line;
    const int *abs; /* pc, line */
    int abs_count;
};

static struct slice take(struct code_reader *r, size_t n)
{
    if (r->rest.len < n) {
        r->failed = true;
        return (struct slice){0};
    }
    struct slice out = slice_of(r->rest.at, n);
    r->rest = slice_of(r->rest.at + n, r->rest.len - n);
    return out;
}

static int take_byte(struct code_reader *r)
{
    struct slice one = take(r, 1);
    return one.len ? (unsigned char)*one.at : 0;
}

static size_t take_size(struct code_reader *r)
{
    size_t n = 0;
    for (int byte = 0; !(byte & 0x80) && !r->failed;) {
        byte = take_byte(r);
        n = n << 7 | (size_t)(byte & 0x7F);
    }
    return r->failed ? 0 : n;
}

/* How many of at least `each` bytes follow. */
static int take_count(struct code_reader *r, size_t each)
{
    size_t n = take_size(r);
    if (n > r->rest.len / each) {
        r->failed = true;
        return 0;
    }
    return (int)n;
}

static struct slice take_text(struct code_reader *r)
{
    size_t n = take_size(r);
    return n ? take(r, n - 1) : (struct slice){0};
}

static void take_constants(struct code_reader *r, struct arena *arena, struct unit_code *out)
{
    out->constants_count = take_count(r, 1);
    struct slice *list = arena_array(arena, struct slice, (size_t)out->constants_count + 1);
    for (int i = 0; i < out->constants_count; i++) {
        int type = take_byte(r);
        if (type == CONST_SHORT || type == CONST_LONG)
            list[i] = take_text(r);
        else if (type == CONST_INT || type == CONST_FLOAT)
            (void)take(r, 8);
    }
    out->constants = list;
}

static void take_debug(struct code_reader *r, struct arena *arena, struct unit_code *out)
{
    out->lines_count = take_count(r, 1);
    out->lines = (const unsigned char *)take(r, (size_t)out->lines_count).at;
    out->abs_count = take_count(r, 2);
    int *abs = arena_array(arena, int, 2 * (size_t)out->abs_count + 1);
    for (int i = 0; i < 2 * out->abs_count; i++)
        abs[i] = (int)take_size(r);
    out->abs = abs;
    int locals = take_count(r, 3);
    for (int i = 0; i < locals; i++) {
        (void)take_text(r);
        (void)take_size(r);
        (void)take_size(r);
    }
    int names = take_count(r, 1);
    for (int i = 0; i < names; i++) {
        struct slice name = take_text(r);
        if (i < out->upvalues_count)
            out->upvalues[i] = name;
    }
}

static int line_of(const struct unit_code *code, int pc)
{
    int line = code->first_line, at = -1;
    for (int i = 0; i < code->abs_count && code->abs[2 * i] <= pc; i++) {
        at = code->abs[2 * i];
        line = code->abs[2 * i + 1];
    }
    while (++at <= pc && at < code->lines_count)
        if ((signed char)code->lines[at] != -128)
            line += (signed char)code->lines[at];
    return line;
}

static bool is_known(struct slice name)
{
    static const char *const own[] = {"crm", "require", NULL};
    for (const char *const *one = own; *one; one++)
        if (slice_is(name, *one))
            return true;
    for (const char *const *one = sandbox_names(); *one; one++) {
        struct slice rest = slice_str(*one);
        if (slice_eq(slice_split(&rest, '.'), name))
            return true;
    }
    return false;
}

static void judge(struct lint *lint, const struct unit_code *code)
{
    for (int pc = 0; pc < code->ops_count; pc++) {
        const unsigned char *op = code->ops + 4 * (size_t)pc;
        uint32_t i =
            (uint32_t)op[0] | (uint32_t)op[1] << 8 | (uint32_t)op[2] << 16 | (uint32_t)op[3] << 24;
        bool reads = (i & 0x7F) == OP_GETTABUP, sets = (i & 0x7F) == OP_SETTABUP;
        int upvalue = reads ? (int)(i >> 16 & 0xFF) : (int)(i >> 7 & 0xFF);
        int key = reads ? (int)(i >> 24 & 0xFF) : (int)(i >> 16 & 0xFF);
        if ((!reads && !sets) || upvalue >= code->upvalues_count || key >= code->constants_count ||
            !slice_is(code->upvalues[upvalue], "_ENV"))
            continue;
        struct slice name = code->constants[key];
        if (sets)
            lint_say(lint, line_of(code, pc), "\"" SLICE_FMT "\" is set as a global: use local",
                     SLICE_ARG(name));
        else if (name.at && !is_known(name))
            lint_say(lint, line_of(code, pc), "undeclared global \"" SLICE_FMT "\"",
                     SLICE_ARG(name));
    }
}

static void take_function(struct lint *lint, struct code_reader *r, int depth)
{
    struct arena *arena = lint->ctx->arena;
    struct unit_code code = {0};
    if (depth > LINT_DEPTH_MAX)
        return;
    (void)take_text(r);
    code.first_line = (int)take_size(r);
    (void)take_size(r);
    (void)take(r, 3); /* parameters, varargs, stack */
    code.ops_count = take_count(r, 4);
    code.ops = (const unsigned char *)take(r, 4 * (size_t)code.ops_count).at;
    take_constants(r, arena, &code);
    code.upvalues_count = take_count(r, 3);
    (void)take(r, 3 * (size_t)code.upvalues_count);
    code.upvalues = arena_array(arena, struct slice, (size_t)code.upvalues_count + 1);
    int inner = take_count(r, 1);
    for (int i = 0; i < inner && !r->failed; i++)
        take_function(lint, r, depth + 1);
    take_debug(r, arena, &code);
    if (!r->failed)
        judge(lint, &code);
}

void lint_globals(struct lint *lint, struct slice compiled)
{
    struct code_reader r = {.rest = compiled};
    struct slice header = take(&r, HEADER_BYTES);
    (void)take_byte(&r); /* upvalues of the whole */
    if (header.len && slice_starts(header, SLICE("\x1bLua\x54")))
        take_function(lint, &r, 0);
}
