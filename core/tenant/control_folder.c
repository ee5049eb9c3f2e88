/* control_folder - making, opening and locking a data folder.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenant/config.h"
#include "tenant/control.h"
#include "tenant/folder.h"
#include "tenant/masterkey.h"
#include "tenant/system.h"
#include "tenant/why.h"

#define CONTROL_FILE "control.db"
#define LOCK_FILE    "lock"

static const char *const folders[] = {"tenants", "run", "tmp"};

/* Writes a text file unless it is there. */
static enum err file_put(const char *data, const char *name, struct slice text, const char **why)
{
    char path[FOLDER_PATH_MAX];
    folder_join(path, data, name);
    enum err e = folder_write(path, text, 0600);
    if (e && e != ERR_CONFLICT)
        return why_say(why, e, "%s cannot be written: %s", path, err_text(e, LANG_EN));
    return ERR_OK;
}

static enum err files_put(const char *data, const char **why)
{
    enum err e = masterkey_create(data, why);
    if (!e)
        e = file_put(data, CONFIG_FILE, SLICE("{\n  \"listen\": \"127.0.0.1:8080\"\n}\n"), why);
    if (e)
        return e;
    struct buf readme = BUF_INIT;
    config_readme(&readme);
    e = file_put(data, "README", buf_slice(&readme), why);
    buf_release(&readme);
    return e;
}

/* The store is made under another name and shows only when its tables are in. */
static enum err control_create(const char *data, const char **why)
{
    char path[FOLDER_PATH_MAX], fresh[FOLDER_PATH_MAX];
    folder_join(path, data, CONTROL_FILE);
    folder_join(fresh, data, "control.new");
    if (unlink(fresh) != 0 && errno != ENOENT)
        return why_say(why, ERR_IO, "%s cannot be removed: %s", fresh, strerror(errno));

    struct store *store = NULL;
    struct store_schema schema = {0};
    schema.tables = system_control_tables(&schema.tables_count);
    schema.hash = system_hash(schema.tables, schema.tables_count);
    enum err e = store_create(fresh);
    if (!e)
        e = store_open(fresh, STORE_OWNER, &store);
    if (!e)
        e = store_schema_apply(store, &schema);
    if (!e)
        e = store_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, NULL);
    store_close(store);
    if (!e && rename(fresh, path) != 0)
        e = folder_err(errno);
    if (!e)
        e = folder_sync(data);
    return e ? why_say(why, e, "%s cannot be made: %s", path, err_text(e, LANG_EN)) : ERR_OK;
}

enum err control_init(const char *data, const char **why)
{
    ASSERT(data && *data);
    char path[FOLDER_PATH_MAX];
    folder_join(path, data, CONTROL_FILE);
    if (folder_exists(path))
        return why_say(why, ERR_CONFLICT, "%s is already a Perigee data folder.", data);

    enum err e = folder_make(data);
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !e; i++) {
        folder_join(path, data, folders[i]);
        e = folder_make(path);
    }
    if (e)
        return why_say(why, e, "%s cannot be made: %s", path, err_text(e, LANG_EN));
    e = files_put(data, why);
    return e ? e : control_create(data, why);
}

static enum err header_check(const char *path, struct store *store, const char **why)
{
    struct store_header header;
    enum err e = store_header_read(store, &header);
    if (e)
        return why_say(why, e, "%s cannot be read: %s", path, store_why(store));
    if (header.core_version > SYSTEM_VERSION)
        return why_say(why, ERR_NOT_SUPPORTED,
                       "%s was made by a newer Perigee (layout %lld, this one knows %d): run that "
                       "version.",
                       path, (long long)header.core_version, SYSTEM_VERSION);
    return ERR_OK;
}

/* A folder made by an older program gets the tables it lacks. */
static enum err tables_check(struct store *store, enum store_mode mode, const char **why)
{
    struct store_schema schema = {0};
    schema.tables = system_control_tables(&schema.tables_count);
    schema.hash = system_hash(schema.tables, schema.tables_count);
    struct store_header header;
    enum err e = store_header_read(store, &header);
    if (!e && header.schema_hash != schema.hash && mode != STORE_READ)
        e = store_schema_apply(store, &schema);
    return e ? why_say(why, e, "control.db cannot be brought up to date: %s", store_why(store))
             : ERR_OK;
}

static enum err store_open_said(const char *path, enum store_mode mode, struct store **out,
                                const char **why)
{
    struct buf detail = BUF_INIT;
    enum err e = store_open_why(path, mode, out, &detail);
    if (e == ERR_NOT_SUPPORTED)
        e = why_say(why, e, "%s was made by a newer Perigee: run that version.", path);
    else if (e)
        e = why_say(why, e, "%s cannot be opened: %s", path, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

enum err control_open(const char *data, enum store_mode mode, struct store **out, const char **why)
{
    ASSERT(data && *data);
    ASSERT(out);
    char path[FOLDER_PATH_MAX];
    folder_join(path, data, CONTROL_FILE);
    struct stat st;
    if (stat(data, &st) != 0)
        return why_say(why, ERR_NOT_FOUND, "%s is not there: make it with `perigee init`.", data);
    if (!S_ISDIR(st.st_mode) || !folder_exists(path))
        return why_say(why, ERR_NOT_FOUND,
                       "%s is not a Perigee data folder: make one with `perigee init`.", data);

    uint8_t key[CRYPTO_KEY_LEN];
    enum err e = mode == STORE_READ ? masterkey_check(data, why) : masterkey_read(data, key, why);
    crypto_wipe(key, sizeof key);
    if (e)
        return e;

    struct store *store = NULL;
    e = store_open_said(path, mode, &store, why);
    if (!e)
        e = header_check(path, store, why);
    if (!e)
        e = tables_check(store, mode, why);
    if (e) {
        store_close(store);
        return e;
    }
    *out = store;
    return ERR_OK;
}

enum err control_lock(const char *data, int *fd)
{
    ASSERT(data && fd);
    char path[FOLDER_PATH_MAX];
    folder_join(path, data, LOCK_FILE);
    int lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600); /* inherited: no O_CLOEXEC */
    if (lock < 0)
        return folder_err(errno);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        enum err e = errno == EWOULDBLOCK ? ERR_CONFLICT : folder_err(errno);
        (void)close(lock);
        return e;
    }
    *fd = lock;
    return ERR_OK;
}
