/* gmime - see gmime.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/gmime.h"

#include <dlfcn.h>

#include "base/log.h"

static struct gmime_api api;
static enum { LIBRARY_UNKNOWN, LIBRARY_LOADED, LIBRARY_ABSENT } state;

static bool load(void)
{
    void *library = dlopen("libgmime-3.0.so.0", RTLD_NOW | RTLD_LOCAL);
    const char *missing = NULL;
    if (!library) {
        log_error("letters cannot be read: %s", dlerror());
        return false;
    }
#define X(symbol, name)                                                                            \
    *(void **)&api.name = dlsym(library, #symbol);                                                 \
    if (!api.name)                                                                                 \
        missing = #symbol;
    GMIME_CALLS(X)
#undef X
    if (missing) {
        log_error("letters cannot be read: libgmime is too old: %s is missing", missing);
        return false;
    }
    api.init();
    return true;
}

const struct gmime_api *gmime_api(void)
{
    if (state == LIBRARY_UNKNOWN)
        state = load() ? LIBRARY_LOADED : LIBRARY_ABSENT;
    return state == LIBRARY_LOADED ? &api : NULL;
}
