/* masterkey - make, read and check data/master.key.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/masterkey.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenant/folder.h"
#include "tenant/why.h"

#define MASTERKEY_MARK      "perigee-key-1 "
#define MASTERKEY_BYTES_MAX 4096

static const char notice[] =
    "# Perigee master key: the keys of encrypted fields are wrapped by it.\n"
    "# Keep it secret, and keep a copy apart from the backups: without it\n"
    "# encrypted fields can never be read again.\n";

enum err masterkey_create(const char *data, const char **why)
{
    char path[FOLDER_PATH_MAX];
    folder_join(path, data, MASTERKEY_FILE);
    if (folder_exists(path)) {
        uint8_t key[CRYPTO_KEY_LEN];
        enum err e = masterkey_read(data, key, why);
        crypto_wipe(key, sizeof key);
        return e;
    }

    uint8_t key[CRYPTO_KEY_LEN];
    crypto_random(key, sizeof key);
    struct buf text = BUF_INIT;
    buf_reserve(&text, MASTERKEY_BYTES_MAX); /* it never moves, so wiping it wipes every copy */
    buf_put_str(&text, notice);
    buf_put_str(&text, MASTERKEY_MARK);
    crypto_put_base64url(&text, slice_of((const char *)key, sizeof key));
    buf_put_char(&text, '\n');
    enum err e = folder_write(path, buf_slice(&text), 0600);
    crypto_wipe(text.at, text.len);
    crypto_wipe(key, sizeof key);
    buf_release(&text);
    if (e)
        return why_say(why, e, "%s cannot be written: %s.", path, err_text(e, LANG_EN));
    return ERR_OK;
}

static enum err stat_check(const char *path, const struct stat *st, const char **why)
{
    if (!S_ISREG(st->st_mode))
        return why_say(why, ERR_CORRUPT, "%s is not a plain file.", path);
    if (st->st_mode & (S_IRWXG | S_IRWXO))
        return why_say(why, ERR_FORBIDDEN,
                       "%s can be read by others (mode %03o): chmod 600 it, and treat the key as "
                       "known to them.",
                       path, (unsigned)st->st_mode & 0777U);
    return ERR_OK;
}

enum err masterkey_check(const char *data, const char **why)
{
    char path[FOLDER_PATH_MAX];
    folder_join(path, data, MASTERKEY_FILE);
    struct stat st;
    if (lstat(path, &st) != 0)
        return why_say(why, ERR_NOT_FOUND,
                       "%s is missing: put back the copy that belongs to this folder.", path);
    return stat_check(path, &st, why);
}

static bool key_parse(struct slice text, uint8_t out[CRYPTO_KEY_LEN])
{
    while (text.len > 0) {
        struct slice line = slice_trim(slice_split(&text, '\n'));
        if (line.len == 0 || line.at[0] == '#')
            continue;
        struct slice mark = SLICE(MASTERKEY_MARK);
        if (!slice_starts(line, mark))
            return false;
        struct buf key = BUF_INIT;
        bool ok = crypto_parse_base64url(slice_of(line.at + mark.len, line.len - mark.len), &key) &&
                  key.len == CRYPTO_KEY_LEN;
        if (ok)
            memcpy(out, key.at, CRYPTO_KEY_LEN);
        if (key.at)
            crypto_wipe(key.at, key.len);
        buf_release(&key);
        return ok;
    }
    return false;
}

enum err masterkey_read(const char *data, uint8_t out[CRYPTO_KEY_LEN], const char **why)
{
    enum err e = masterkey_check(data, why);
    if (e)
        return e;

    char path[FOLDER_PATH_MAX], text[MASTERKEY_BYTES_MAX];
    folder_join(path, data, MASTERKEY_FILE);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return why_say(why, ERR_FORBIDDEN, "%s cannot be opened: %s.", path, strerror(errno));
    struct stat st;
    ssize_t n = -1;
    e = fstat(fd, &st) == 0 ? stat_check(path, &st, why) : ERR_IO;
    if (!e)
        n = read(fd, text, sizeof text);
    (void)close(fd);
    if (e)
        return e;
    if (n < 0 || !key_parse(slice_of(text, (size_t)n), out))
        e = why_say(why, ERR_CORRUPT,
                    "%s is damaged: put back the copy that belongs to this folder.", path);
    crypto_wipe(text, sizeof text);
    return e;
}
