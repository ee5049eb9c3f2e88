/* err - the one list of errors, and the detail an error carries to a person.
 *
 * Every function that can fail returns `enum err`; ERR_OK is 0. The list below makes the enum, the
 * wire code, the HTTP status and both default texts, and nothing else lists errors. Detail for
 * people (which field, which arguments) is collected in a `struct err_info` where it arises.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define MUST_USE               __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* name, HTTP status, wire code, English, Chinese */
#define ERR_MAP(X)                                                                                 \
    X(MALFORMED, 400, "malformed", "The request could not be read.", "请求格式不正确。")           \
    X(BAD_CURSOR, 400, "bad_cursor", "This page link is no longer valid; start the list again.",   \
      "分页标记已失效，请重新打开列表。")                                                          \
    X(UNAUTHENTICATED, 401, "unauthenticated", "Please sign in.", "请先登录。")                    \
    X(BAD_CREDENTIALS, 401, "bad_credentials", "The login or the password is wrong.",              \
      "账号或密码不正确。")                                                                        \
    X(FORBIDDEN, 403, "forbidden", "You do not have the right to do this.",                        \
      "您没有执行此操作的权限。")                                                                  \
    X(BAD_CSRF, 403, "bad_csrf", "The page is out of date; reload it.",                            \
      "页面已过期，请刷新后重试。")                                                                \
    X(NOT_FOUND, 404, "not_found", "This does not exist or is not yours to see.",                  \
      "内容不存在或您无权查看。")                                                                  \
    X(METHOD, 405, "method_not_allowed", "This method is not available here.",                     \
      "此地址不支持该方法。")                                                                      \
    X(KEYS_LOCKED, 409, "keys_locked",                                                             \
      "The keys of the encrypted fields are not on this server; its operator can bring them.",     \
      "加密字段的密钥不在此服务器上，请联系运维人员导入密钥。")                                    \
    X(CONFLICT, 409, "conflict", "This clashes with something that is already there.",             \
      "与已有数据冲突。")                                                                          \
    X(VERSION, 412, "version_mismatch", "Someone changed this record while you were editing it.",  \
      "在您编辑期间，此记录已被他人修改。")                                                        \
    X(TOO_LARGE, 413, "too_large", "This is larger than allowed.", "内容超过允许的大小。")         \
    X(URI_TOO_LONG, 414, "uri_too_long", "The address is too long.", "地址过长。")                 \
    X(MEDIA_TYPE, 415, "unsupported_media_type", "This content type is not accepted here.",        \
      "不支持的内容类型。")                                                                        \
    X(RANGE, 416, "range_not_satisfiable", "The file has no bytes there.",                         \
      "文件中没有所请求的字节范围。")                                                              \
    X(VALIDATION, 422, "validation_failed", "Some fields need your attention.",                    \
      "部分字段需要修改。")                                                                        \
    X(IDEMPOTENCY, 422, "idempotency_mismatch",                                                    \
      "This Idempotency-Key was used before with another request.",                                \
      "该 Idempotency-Key 已用于另一个请求。")                                                     \
    X(TOO_MANY, 429, "too_many_requests", "Too many requests; wait a moment.",                     \
      "请求过于频繁，请稍后再试。")                                                                \
    X(LOCKED, 429, "locked", "Too many failed sign-ins; try again later.",                         \
      "登录失败次数过多，请稍后再试。")                                                            \
    X(HEADERS_TOO_LARGE, 431, "headers_too_large", "The request headers are too large.",           \
      "请求头过大。")                                                                              \
    X(INTERNAL, 500, "internal", "Something went wrong on our side.", "服务器内部错误。")          \
    X(PLUGIN, 500, "plugin_error", "A customization failed; your administrator can see why.",      \
      "自定义脚本出错，请联系管理员。")                                                            \
    X(IO, 500, "io_error", "Storage failed; nothing was changed.", "存储出错，未做任何更改。")     \
    X(CORRUPT, 500, "corrupt", "Stored data could not be read.", "存储的数据无法读取。")           \
    X(NOT_SUPPORTED, 501, "not_supported", "This is not available.", "此功能不可用。")             \
    X(BUSY, 503, "busy", "The server is busy; try again in a moment.", "服务器繁忙，请稍后重试。") \
    X(FULL, 503, "storage_full", "There is no room left to store this; nothing was changed.",      \
      "存储空间不足，未做任何更改。")                                                              \
    X(TIMEOUT, 503, "timeout", "This took too long and was stopped.", "处理超时，已停止。")        \
    X(OUTCOME_UNKNOWN, 503, "outcome_unknown",                                                     \
      "It is not known whether this was done; repeat it with the same Idempotency-Key.",           \
      "无法确定操作是否完成，请使用相同的 Idempotency-Key 重试。")                                 \
    X(HTTP_VERSION, 505, "http_version", "Only HTTP/1.0 and HTTP/1.1 are spoken here.",            \
      "仅支持 HTTP/1.0 与 HTTP/1.1。")

enum err {
    ERR_OK = 0,
#define X(name, status, code, en, zh) ERR_##name,
    ERR_MAP(X)
#undef X
        ERR_COUNT
};

enum lang { LANG_ZH, LANG_EN, LANG_COUNT };

int err_status(enum err e);                       /* HTTP status; 200 for ERR_OK */
const char *err_code(enum err e);                 /* wire code, e.g. "not_found"; "ok" for ERR_OK */
const char *err_text(enum err e, enum lang lang); /* default sentence in that language */

struct arena; /* base/arena.h */

/* One complaint about one field. Strings live in the arena given to err_info_init. */
struct err_field {
    const char *field; /* path as the client wrote it: "phone", "lines[2].price"; "" = the record */
    const char *code;  /* message key without "@": "required", "bad_phone", "acme.sales:level_a" */
    const char *message; /* ready sentence, or NULL: rendered from the key when answered */
    const char *args;    /* JSON object text with arguments of the message, or NULL */
    struct err_field *next;
};

/* Why a request failed, for the person who sent it. Bounded by ERR_FIELDS_MAX; more are counted. */
struct err_info {
    struct arena *arena; /* borrowed; lives as long as the request */
    const char *code;    /* overrides err_code() on the wire, or NULL */
    const char *message; /* overrides err_text(), or NULL; may start with '@' (a key) */
    const char *args;    /* JSON object text for that message, or NULL */
    const char *detail;  /* for the log (file:line of a script, errno); see pipeline_fail() */
    const char *plugin;  /* whose code failed, and which of its handlers; NULL: none did */
    const char *handler;
    const char *extra; /* JSON members to add to the error object, e.g. "\"version\":7" */
    struct err_field *first, *last;
    int count;         /* complaints seen, also those dropped over the limit */
    int retry_after_s; /* > 0: Retry-After */
};

void err_info_init(struct err_info *info, struct arena *arena);
void err_info_clear(struct err_info *info);
/* Adds a complaint; copies the strings. `args` is JSON object text or NULL. Returns ERR_VALIDATION
 * so that a caller may write `return err_field(...)`. */
enum err err_field(struct err_info *info, const char *field, const char *code, const char *args);
/* Sets code and message (either may be NULL) and hands `e` on. printf-like message. */
enum err err_say(struct err_info *info, enum err e, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* A programmer's mistake: log file:line and abort, in release too. Another process carries on and
 * the supervisor restarts this one. Never for input from outside. */
#define ASSERT(fact)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(fact), 0))                                                          \
            err_bug(__FILE__, __LINE__, #fact);                                                    \
    } while (0)
#define BUG(text) err_bug(__FILE__, __LINE__, text)
/* A failed allocation ends the process like a bug; the log says which of the two it was. */
#define ASSERT_MEMORY(at)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(at), 0))                                                            \
            BUG("out of memory");                                                                  \
    } while (0)
_Noreturn void err_bug(const char *file, int line, const char *what);
