/* fuzz_value - values on their way between Lua and JSON, both ways, in a tenant's real VM.
 *
 * The first byte says how: JSON through a service that hands it back; a text through crm's own
 * decoder and encoder; or the rest as instructions for a value that Lua makes: numbers of every
 * kind, texts of any bytes, gaps, cycles, mixed keys, handles. What comes out is JSON, or the call
 * failed with a sentence; what went through once goes through again unchanged.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/crypto.h"
#include "base/text.h"
#include "place.h"
#include "script/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char manifest[] =
    "{\"id\":\"f\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"F\","
    "\"config\":[{\"name\":\"key\",\"type\":\"secret\"},{\"name\":\"n\",\"type\":\"int\"}]}";

static const char code[] =
    "crm.service('f.echo', function(value) return value end)\n"
    "crm.service('f.text', function(arg)\n"
    "  local value, why = crm.json_decode(arg.text)\n"
    "  if value == nil then return { why = why } end\n"
    "  local text = crm.json_encode(value)\n"
    "  assert(crm.json_encode(crm.json_decode(text)) == text)\n"
    "  return { value = value, text = text }\n"
    "end)\n"
    "local NUMBERS = { 0, -0.0, 1, -1, 0.5, 1e300, -1e-300, 1/0, -1/0, 0/0, math.maxinteger,\n"
    "  math.mininteger, 2^53, 2^63, 1e15, 123456789012 }\n"
    "local makers = {}\n"
    "makers[0] = function(s, at) return NUMBERS[s:byte(at) % #NUMBERS + 1], at + 1 end\n"
    "makers[1] = function(s, at)\n"
    "  local n = s:byte(at) % 64\n"
    "  return s:sub(at + 1, at + n), at + 1 + n\n"
    "end\n"
    "makers[2] = function(s, at) return s:byte(at) % 2 == 0, at + 1 end\n"
    "makers[3] = function(s, at) return crm.null, at end\n"
    "makers[4] = function(s, at, make, all)\n"
    "  local t, n = {}, s:byte(at) % 8\n"
    "  all[#all + 1] = t\n"
    "  at = at + 1\n"
    "  for i = 1, n do t[i], at = make(s, at, all) end\n"
    "  return t, at\n"
    "end\n"
    "makers[5] = function(s, at, make, all)\n"
    "  local t, n = {}, s:byte(at) % 8\n"
    "  all[#all + 1] = t\n"
    "  at = at + 1\n"
    "  for _ = 1, n do\n"
    "    local key, value\n"
    "    key, at = make(s, at, all)\n"
    "    value, at = make(s, at, all)\n"
    "    if key ~= nil and key == key then t[key] = value end\n"
    "  end\n"
    "  return t, at\n"
    "end\n"
    "makers[6] = function(s, at, _, all) return all[s:byte(at) % 16 + 1], at + 1 end\n"
    "makers[7] = function(s, at)\n"
    "  local kinds = { crm.money('12.50'), crm.decimal('1.5'), crm.date('2026-01-31'),\n"
    "    crm.datetime('2026-01-31T00:00:00Z'), print or tostring, coroutine.create(tostring), "
    "crm,\n"
    "    string }\n"
    "  return kinds[s:byte(at) % #kinds + 1], at + 1\n"
    "end\n"
    "local function make(s, at, all, deep)\n"
    "  if at + 1 > #s then return nil, at end\n"
    "  return makers[s:byte(at) % 8](s, at + 1, make, all)\n"
    "end\n"
    "crm.service('f.make', function(arg)\n"
    "  local bytes = arg.hex:gsub('%x%x', function(h) return string.char(tonumber(h, 16)) end)\n"
    "  return (make(bytes, 1, {}))\n"
    "end)\n";

static const struct model *model;

static void open_once(void)
{
    const char *why = NULL;
    if (place.arena)
        return;
    place_open();
    const char *own = arena_printf(place.arena, "%s/plugins/f", place.home);
    place_write(arena_printf(place.arena, "%s/plugin.json", own), slice_str(manifest));
    place_write(arena_printf(place.arena, "%s/init.lua", own), slice_str(code));
    place_enable("f");
    place_must(!model_get(place.tenant, place.home, true, &model, &why), "the model");
}

/* What a service gives; ERR_PLUGIN with a sentence. */
static enum err ask(struct arena *arena, const char *service, const struct json *argument,
                    struct buf *out)
{
    struct ctx ctx;
    struct vm *vm = NULL;
    ctx_init(&ctx, arena);
    ctx.tenant = place.tenant;
    ctx.model = model;
    ctx.as_system = true;
    place_must(!vm_get(&ctx, place.home, &vm), ctx.err.detail ? ctx.err.detail : "the VM");
    enum err e = vm_service(vm, &ctx, service, argument, out);
    ASSERT(!e || e == ERR_PLUGIN);
    ASSERT(!e || (ctx.err.detail && text_is_utf8(slice_str(ctx.err.detail))));
    return e;
}

/* Members of a Lua table have no order. */
static bool is_same(const struct json *a, const struct json *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    bool same = true;
    switch (a->type) {
    case JSON_OBJECT:
        json_each(member, a)
        {
            const struct json *other = json_get_slice(b, member->key);
            same = same && other && is_same(member, other);
        }
        return same;
    case JSON_ARRAY: {
        const struct json *other = b->first;
        json_each(item, a)
        {
            same = same && is_same(item, other);
            other = other->next;
        }
        return same;
    }
    case JSON_INT:
        return a->integer == b->integer;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_NULL:
        return true;
    default:
        return slice_eq(a->text, b->text);
    }
}

/* Once more through the border: nothing changes any more. */
static void check_stable(struct arena *arena, const struct buf *out)
{
    const struct json *doc = NULL, *other = NULL;
    const char *why = NULL;
    struct buf again = BUF_INIT;
    if (!out->len)
        return; /* nothing was returned */
    struct slice text = arena_slice(arena, buf_slice(out));
    place_must(!json_parse(arena, text, &doc, &why), arena_str(arena, text));
    enum err e = ask(arena, "f.echo", doc, &again);
    place_must(!e && !json_parse(arena, arena_slice(arena, buf_slice(&again)), &other, &why) &&
                   is_same(doc, other),
               arena_printf(arena, SLICE_FMT " came back as " SLICE_FMT, SLICE_ARG(text),
                            SLICE_ARG(buf_slice(&again))));
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of((const char *)data + 1, size ? size - 1 : 0);
    struct buf out = BUF_INIT, hex = BUF_INIT;
    const struct json *argument = NULL;
    const char *service = "f.echo";
    if (!size)
        return 0;
    open_once();
    struct arena *arena = arena_new();
    struct json *own = json_new(arena, JSON_OBJECT);
    if (data[0] % 3 == 1) {
        service = "f.text";
        if (text_is_utf8(in))
            json_add(arena, own, "text", json_new_str(arena, in));
    } else if (data[0] % 3 == 2) {
        service = "f.make";
        crypto_put_hex(&hex, in);
        json_add(arena, own, "hex", json_new_str(arena, buf_slice(&hex)));
    } else if (json_parse(arena, in, &argument, NULL)) {
        argument = NULL;
    }
    if (own->count)
        argument = own;
    if (argument && !ask(arena, service, argument, &out))
        check_stable(arena, &out);
    buf_release(&hex);
    buf_release(&out);
    arena_free(arena);
    return 0;
}
