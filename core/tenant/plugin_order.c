/* plugin_order - a total load order, and why a plugin cannot take part in it.
 *
 * Repeatedly takes the first plugin (by layer, then id) that waits for nobody. What is left when no
 * one can be taken waits in a circle: first `optional` is given up, then a cycle is reported.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tenant/plugin.h"

struct ordering {
    struct arena *arena;
    struct plugin **plugins;
    bool *taken;
    int count;
};

static int compare_ties(const void *a, const void *b)
{
    const struct plugin *one = *(struct plugin *const *)a, *two = *(struct plugin *const *)b;
    if (one->layer != two->layer)
        return one->layer < two->layer ? -1 : 1;
    return strcmp(one->id, two->id);
}

static int find(const struct ordering *o, struct slice id)
{
    for (int i = 0; i < o->count; i++)
        if (slice_is(id, o->plugins[i]->id))
            return i;
    return -1;
}

static const char *suggestion(const struct ordering *o, struct slice id)
{
    const struct plugin *best = NULL;
    int least = 3; /* two letters wrong still look alike */
    for (int i = 0; i < o->count; i++) {
        int distance = text_distance(id, slice_str(o->plugins[i]->id), 2);
        if (distance < least) {
            least = distance;
            best = o->plugins[i];
        }
    }
    return best ? arena_printf(o->arena, " (did you mean \"%s\"?)", best->id) : "";
}

/* "leads/plugin.json:4", where the line says what it needs. A bundle's folder is a hash. */
static const char *place(const struct ordering *o, const struct plugin *plugin, int line)
{
    return arena_printf(o->arena, "%s/plugin.json:%d", plugin->id, line);
}

static const struct json *wants(const struct plugin *plugin, const char *what)
{
    return plugin->manifest ? json_get(plugin->manifest, what) : NULL;
}

static void twice_check(struct ordering *o)
{
    for (int i = 1; i < o->count; i++)
        for (int before = 0; before < i; before++)
            if (!o->plugins[i]->broken && !strcmp(o->plugins[i]->id, o->plugins[before]->id)) {
                o->plugins[i]->broken = arena_printf(
                    o->arena, "%s: the id \"%s\" is already that of %s", place(o, o->plugins[i], 1),
                    o->plugins[i]->id, o->plugins[before]->folder);
                break;
            }
}

static const char *requires_check(struct ordering *o, const struct plugin *plugin)
{
    json_each(range, wants(plugin, "requires"))
    {
        const char *where = place(o, plugin, range->line);
        const char *name = arena_str(o->arena, range->key);
        int at = find(o, range->key);
        if (at < 0)
            return arena_printf(o->arena, "%s: needs the plugin \"%s\", which is not there%s",
                                where, name, suggestion(o, range->key));
        const struct plugin *needed = o->plugins[at];
        if (needed == plugin)
            return arena_printf(o->arena, "%s: \"%s\" needs itself", where, name);
        if (needed->broken)
            return arena_printf(o->arena, "%s: needs \"%s\", which is broken: %s", where, name,
                                needed->broken);
        if (!plugin_version_fits(needed->version, range->text.at))
            return arena_printf(o->arena, "%s: needs \"%s\" %s, but %s is there", where, name,
                                range->text.at, needed->version);
    }
    return NULL;
}

/* Until nothing more breaks: who needs a broken one is broken too. */
static void broken_spread(struct ordering *o)
{
    bool moved;
    do {
        moved = false;
        for (int i = 0; i < o->count; i++) {
            if (o->plugins[i]->broken)
                continue;
            o->plugins[i]->broken = requires_check(o, o->plugins[i]);
            moved = moved || o->plugins[i]->broken;
        }
    } while (moved);
}

static bool waits(const struct ordering *o, const struct plugin *plugin, const char *what)
{
    json_each(range, wants(plugin, what))
    {
        int at = find(o, range->key);
        if (at >= 0 && !o->taken[at] && !o->plugins[at]->broken && o->plugins[at] != plugin)
            return true;
    }
    return false;
}

static int next_free(const struct ordering *o, bool heed_optional)
{
    for (int i = 0; i < o->count; i++)
        if (!o->taken[i] && !o->plugins[i]->broken && !waits(o, o->plugins[i], "requires") &&
            (!heed_optional || !waits(o, o->plugins[i], "optional")))
            return i;
    return -1;
}

static int first_left(const struct ordering *o)
{
    for (int i = 0; i < o->count; i++)
        if (!o->taken[i] && !o->plugins[i]->broken)
            return i;
    return -1;
}

/* Walks from one that waits to one it waits for until a name comes again: that is a circle. */
static void cycle_break(struct ordering *o, int start)
{
    int *path = arena_array(o->arena, int, (size_t)o->count + 1);
    int length = 0, at = start, begin = -1;
    while (begin < 0) {
        path[length++] = at;
        int next = -1;
        json_each(range, wants(o->plugins[at], "requires"))
        {
            int needed = find(o, range->key);
            if (next < 0 && needed >= 0 && !o->taken[needed] && !o->plugins[needed]->broken)
                next = needed;
        }
        ASSERT(next >= 0);
        at = next;
        for (int i = 0; i < length && begin < 0; i++)
            if (path[i] == at)
                begin = i;
    }
    struct buf names = BUF_INIT;
    for (int i = begin; i < length; i++)
        buf_printf(&names, "%s → ", o->plugins[path[i]]->id);
    buf_put_str(&names, o->plugins[at]->id);
    for (int i = begin; i < length; i++) {
        const struct json *needs = wants(o->plugins[path[i]], "requires");
        o->plugins[path[i]]->broken =
            arena_printf(o->arena, "%s: plugins need each other in a circle: %s",
                         place(o, o->plugins[path[i]], needs->line), buf_cstr(&names));
    }
    buf_release(&names);
}

void plugin_order(struct arena *arena, struct plugin **plugins, int count)
{
    ASSERT(arena);
    ASSERT(plugins || count == 0);
    if (count < 1)
        return;

    struct ordering o = {.arena = arena, .plugins = plugins, .count = count};
    o.taken = arena_array(arena, bool, (size_t)count);
    qsort(plugins, (size_t)count, sizeof(void *), compare_ties);
    twice_check(&o);
    broken_spread(&o);

    struct plugin **ordered = arena_array(arena, struct plugin *, (size_t)count);
    int n = 0;
    while (first_left(&o) >= 0) {
        int at = next_free(&o, true);
        if (at < 0)
            at = next_free(&o, false);
        if (at < 0) {
            cycle_break(&o, first_left(&o));
            broken_spread(&o);
            continue;
        }
        o.taken[at] = true;
        ordered[n++] = plugins[at];
    }
    for (int i = 0; i < count; i++)
        if (!o.taken[i])
            ordered[n++] = plugins[i];
    for (int i = 0; i < count; i++) {
        plugins[i] = ordered[i];
        plugins[i]->order = i;
    }
}
