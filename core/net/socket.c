/* socket - opens listening sockets and local connections.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/slice.h"
#include "net/conn.h"

/* ---- the network ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool address_parse(const char *text, union address *to, socklen_t *len)
{
    char host[INET6_ADDRSTRLEN];
    int64_t port;
    const char *colon = strrchr(text, ':');
    if (!colon || !slice_to_int(slice_str(colon + 1), &port) || port < 0 || port > UINT16_MAX)
        return false;
    struct slice name = slice_of(text, (size_t)(colon - text));
    bool v6 = name.len > 2 && name.at[0] == '[' && name.at[name.len - 1] == ']';
    if (v6)
        name = slice_of(name.at + 1, name.len - 2);
    if (name.len >= sizeof host)
        return false;
    memcpy(host, name.at, name.len);
    host[name.len] = '\0';
    memset(to, 0, sizeof *to);
    if (v6) {
        to->v6.sin6_family = AF_INET6;
        to->v6.sin6_port = htons((uint16_t)port);
        *len = sizeof to->v6;
        return inet_pton(AF_INET6, host, &to->v6.sin6_addr) == 1;
    }
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons((uint16_t)port);
    *len = sizeof to->v4;
    return inet_pton(AF_INET, host, &to->v4.sin_addr) == 1;
}

static enum err bind_error(int number, const char **why)
{
    switch (number) {
    case EADDRINUSE:
        *why = "The port is in use by another program.";
        return ERR_CONFLICT;
    case EACCES:
        *why = "Ports below 1024 need a privilege (CAP_NET_BIND_SERVICE) or socket activation.";
        return ERR_FORBIDDEN;
    case EADDRNOTAVAIL:
        *why = "This host does not have that address.";
        return ERR_NOT_FOUND;
    default:
        *why = "The system refused the socket.";
        return ERR_IO;
    }
}

enum err socket_listen(const char *address, bool reuse_port, int *fd, int *port, const char **why)
{
    union address at;
    socklen_t len;
    if (!address_parse(address, &at, &len)) {
        *why = "The address is not of the form 127.0.0.1:8080 or [::1]:8080.";
        return ERR_MALFORMED;
    }
    int s = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return bind_error(errno, why);
    int on = 1;
    /* A restart must not wait for the last one's connections to time out. */
    bool good = setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (good && reuse_port)
        good = setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
    good = good && bind(s, &at.any, len) == 0 && listen(s, LISTEN_BACKLOG) == 0 &&
           getsockname(s, &at.any, &len) == 0;
    if (!good) {
        enum err e = bind_error(errno, why);
        close(s);
        return e;
    }
    *fd = s;
    *port = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
    return ERR_OK;
}

/* ---- this host ---- */

enum err socket_unix_address(const char *path, struct sockaddr_un *to, int *folder)
{
    *folder = -1;
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0)
        return ERR_MALFORMED;
    if (len < sizeof to->sun_path) {
        memcpy(to->sun_path, path, len + 1);
        return ERR_OK;
    }
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return ERR_MALFORMED;
    char *parent = strndup(path, (size_t)(slash - path));
    ASSERT(parent);
    *folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    if (*folder < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    int n = snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d/%s", *folder, slash + 1);
    if (n > 0 && (size_t)n < sizeof to->sun_path)
        return ERR_OK;
    close(*folder);
    *folder = -1;
    return ERR_MALFORMED;
}

enum err socket_listen_unix(const char *path, int backlog, int *fd)
{
    struct sockaddr_un at;
    struct stat old;
    int folder;
    enum err e = socket_unix_address(path, &at, &folder);
    if (e)
        return e;
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode))
        unlink(path);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool good = s >= 0;
    if (good) {
        mode_t before = umask(0177); /* never open to others, not even for a moment */
        good = bind(s, (struct sockaddr *)&at, sizeof at) == 0;
        umask(before);
    }
    good = good && listen(s, backlog) == 0;
    e = good ? ERR_OK : errno == EADDRINUSE ? ERR_CONFLICT : ERR_IO;
    if (folder >= 0)
        close(folder);
    if (e && s >= 0)
        close(s);
    if (!e)
        *fd = s;
    return e;
}

enum err socket_connect_unix(const char *path, int *fd)
{
    struct sockaddr_un at;
    int folder;
    enum err e = socket_unix_address(path, &at, &folder);
    if (e)
        return e;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int number = 0;
    if (s < 0 || connect(s, (struct sockaddr *)&at, sizeof at) != 0)
        number = errno;
    if (folder >= 0)
        close(folder);
    if (number == 0) {
        *fd = s;
        return ERR_OK;
    }
    if (s >= 0)
        close(s);
    if (number == EAGAIN) /* the backlog is full */
        return ERR_BUSY;
    return number == ECONNREFUSED || number == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}
