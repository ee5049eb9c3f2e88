/* router - path and method to a route.
 *
 * A tree of segments. The literal children of a node are sorted, so finding one is a binary search;
 * the walk is a recursion over the path's segments with slices into it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/router.h"

#include <stdlib.h>

struct node {
    struct slice segment;   /* owned copy; literal text, empty for captures */
    struct node **children; /* owned; literals, sorted by segment */
    int count;
    struct node *capture;             /* owned; {name}, or NULL */
    struct node *rest;                /* owned; {name*}, or NULL */
    const void *routes[HTTP_METHODS]; /* borrowed */
};

struct router {
    struct node root;
};

/* ---- building ---- */

static struct node *node_new(struct slice segment)
{
    struct node *node = calloc(1, sizeof(*node));
    char *copy = malloc(segment.len + 1);
    ASSERT_MEMORY(node && copy);
    memcpy(copy, segment.at, segment.len);
    copy[segment.len] = '\0';
    node->segment = slice_of(copy, segment.len);
    return node;
}

static void node_release(struct node *node)
{
    for (int i = 0; i < node->count; i++) {
        node_release(node->children[i]);
        free(node->children[i]);
    }
    if (node->capture)
        node_release(node->capture);
    if (node->rest)
        node_release(node->rest);
    free(node->capture);
    free(node->rest);
    free(node->children);
    free((char *)(uintptr_t)node->segment.at);
}

/* Index of the child, or where it belongs as -1 - index. */
static int child_find(const struct node *node, struct slice segment)
{
    int low = 0, high = node->count;
    while (low < high) {
        int middle = (low + high) / 2;
        int order = slice_cmp(node->children[middle]->segment, segment);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1 - low;
}

static struct node *child_make(struct node *node, struct slice segment)
{
    int index = child_find(node, segment);
    if (index >= 0) {
        ASSERT(node->children);
        return node->children[index];
    }
    index = -1 - index;
    size_t each = sizeof(void *);
    struct node **grown = realloc(node->children, ((size_t)node->count + 1) * each);
    ASSERT_MEMORY(grown);
    memmove(grown + index + 1, grown + index, (size_t)(node->count - index) * each);
    grown[index] = node_new(segment);
    node->children = grown;
    node->count++;
    return grown[index];
}

struct router *router_new(void)
{
    struct router *router = calloc(1, sizeof(*router));
    ASSERT_MEMORY(router);
    return router;
}

void router_free(struct router *router)
{
    if (!router)
        return;
    node_release(&router->root);
    free(router);
}

static struct node *slot_make(struct node **slot)
{
    if (!*slot)
        *slot = node_new(SLICE(""));
    return *slot;
}

void router_add(struct router *router, enum http_method method, const char *pattern,
                const void *route)
{
    ASSERT(pattern[0] == '/');
    ASSERT(route && method < HTTP_METHODS);
    struct node *node = &router->root;
    struct slice rest = slice_str(pattern + 1);
    bool ended = false;
    int captures = 0;
    do {
        bool last = !memchr(rest.at, '/', rest.len);
        struct slice segment = slice_split(&rest, '/');
        bool is_capture =
            segment.len > 2 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}';
        captures += is_capture;
        if (is_capture && segment.at[segment.len - 2] == '*') {
            ASSERT(last);
            node = slot_make(&node->rest);
        } else if (is_capture) {
            node = slot_make(&node->capture);
        } else {
            ASSERT(segment.len > 0 || pattern[1] == '\0');
            ASSERT(!memchr(segment.at, '{', segment.len));
            node = child_make(node, segment);
        }
        ended = last;
    } while (!ended);
    ASSERT(captures <= ROUTER_PARAMS_MAX);
    if (node->routes[method])
        BUG("a method and pattern twice in the routes");
    node->routes[method] = route;
}

/* ---- matching ---- */

struct walk {
    enum http_method method;
    const void *route;
    struct router_params *params;
    unsigned allowed;
};

static bool node_answers(const struct node *node, struct walk *walk)
{
    walk->route = node->routes[walk->method];
    if (!walk->route && walk->method == HTTP_HEAD)
        walk->route = node->routes[HTTP_GET];
    for (unsigned m = 0; m < HTTP_METHODS && !walk->route; m++) {
        if (node->routes[m])
            walk->allowed |= 1u << m;
    }
    return walk->route != NULL;
}

static bool captured(struct walk *walk, struct slice value)
{
    ASSERT(walk->params->count < ROUTER_PARAMS_MAX);
    walk->params->at[walk->params->count++] = value;
    return true;
}

/* `rest` begins behind a slash. As deep as the longest pattern, whatever the path. */
static bool node_walk(const struct node *node, struct slice rest, struct walk *walk)
{
    struct slice after = rest;
    bool last = rest.len == 0 || !memchr(rest.at, '/', rest.len);
    struct slice segment = slice_split(&after, '/');
    int before = walk->params->count;

    int index = child_find(node, segment);
    if (index >= 0) {
        const struct node *child = node->children[index];
        if (last ? node_answers(child, walk) : node_walk(child, after, walk))
            return true;
    }
    walk->params->count = before;
    if (node->capture && segment.len > 0 && captured(walk, segment)) {
        if (last ? node_answers(node->capture, walk) : node_walk(node->capture, after, walk))
            return true;
    }
    walk->params->count = before;
    return node->rest && captured(walk, rest) && node_answers(node->rest, walk);
}

enum err router_match(const struct router *router, enum http_method method, struct slice path,
                      const void **route, struct router_params *params, unsigned *allowed)
{
    ASSERT(method < HTTP_METHODS);
    if (path.len == 0 || path.at[0] != '/')
        return ERR_NOT_FOUND;
    struct router_params found = {.count = 0};
    struct walk walk = {.method = method, .params = &found};
    if (node_walk(&router->root, slice_of(path.at + 1, path.len - 1), &walk)) {
        *route = walk.route;
        *params = found;
        return ERR_OK;
    }
    if (!walk.allowed)
        return ERR_NOT_FOUND;
    if (walk.allowed & 1u << HTTP_GET)
        walk.allowed |= 1u << HTTP_HEAD;
    *allowed = walk.allowed;
    return ERR_METHOD;
}
