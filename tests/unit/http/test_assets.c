/* test_assets - what is served below a folder, and what never is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "help.h"

struct site {
    char base[64]; /* holds "www" and a file beside it */
    char folder[80];
    struct arena *arena;
    struct resp resp;
    struct req_pair headers[2];
    struct req req;
};

static void file_write(struct site *site, const char *name, const char *text, size_t len)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", site->base, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void site_init(struct site *site)
{
    *site = (struct site){.base = "/tmp/assets-XXXXXX"};
    assert_non_null(mkdtemp(site->base));
    (void)snprintf(site->folder, sizeof(site->folder), "%s/www", site->base);
    assert_int_equal(mkdir(site->folder, 0700), 0);
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/sub", site->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    file_write(site, "secret", "secret", 6);
    file_write(site, "www/index.html", "<p>", 3);
    file_write(site, "www/.hidden", "x", 1);
    file_write(site, "www/sub/app-B3x9kQz2.js", "let a", 5);
    file_write(site, "www/sub/app-B3x9kQz2.js.br", "br", 2);
    file_write(site, "www/sub/app-B3x9kQz2.js.gz", "gz!", 3);
    (void)snprintf(path, sizeof(path), "%s/link", site->folder);
    assert_int_equal(symlink("../secret", path), 0);
    (void)snprintf(path, sizeof(path), "%s/linked", site->folder);
    assert_int_equal(symlink("sub", path), 0);
    (void)snprintf(path, sizeof(path), "%s/fifo", site->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    site->arena = arena_new();
    resp_init(&site->resp, site->arena);
    site->req = (struct req){.method = HTTP_GET, .minor = 1, .headers = site->headers};
}

static void site_release(struct site *site)
{
    static const char *const names[] = {"www/sub/app-B3x9kQz2.js",
                                        "www/sub/app-B3x9kQz2.js.br",
                                        "www/sub/app-B3x9kQz2.js.gz",
                                        "www/sub",
                                        "www/index.html",
                                        "www/.hidden",
                                        "www/link",
                                        "www/linked",
                                        "www/fifo",
                                        "www/large.csv",
                                        "www",
                                        "secret",
                                        ""};
    char path[256];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", site->base, names[i]);
        (void)remove(path);
    }
    resp_release(&site->resp);
    arena_free(site->arena);
}

static enum err serve(struct site *site, const char *path)
{
    resp_clear(&site->resp);
    return assets_serve(site->folder, slice_str(path), &site->req, &site->resp);
}

static const char *header(const struct site *site, const char *name)
{
    for (const struct resp_header *h = site->resp.headers; h; h = h->next) {
        if (strcmp(h->name, name) == 0)
            return h->value;
    }
    return "";
}

static void ask(struct site *site, const char *name, const char *value)
{
    site->headers[0] = (struct req_pair){slice_str(name), slice_str(value)};
    site->req.headers_count = 1;
}

static void test_assets__serves_a_file_that_revalidates(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    assert_int_equal(serve(&site, "index.html"), ERR_OK);
    assert_int_equal(site.resp.status, 200);
    assert_slice(buf_slice(&site.resp.body), "<p>");
    assert_string_equal(site.resp.content_type, "text/html; charset=utf-8");
    assert_string_equal(header(&site, "Cache-Control"), "no-cache");
    assert_string_equal(header(&site, "Accept-Ranges"), "none");
    assert_false(site.resp.is_immutable);

    char *etag = arena_strdup(site.arena, header(&site, "ETag"));
    assert_true(etag[0] == '"');
    const char *lists[] = {etag, arena_printf(site.arena, "\"x\", W/%s", etag), "*"};
    for (int i = 0; i < 3; i++) {
        ask(&site, "if-none-match", lists[i]);
        assert_int_equal(serve(&site, "index.html"), ERR_OK);
        assert_int_equal(site.resp.status, 304);
        assert_int_equal(site.resp.body.len, 0);
        assert_string_equal(header(&site, "ETag"), etag);
    }
    file_write(&site, "www/index.html", "<p>a", 4);
    ask(&site, "if-none-match", etag);
    assert_int_equal(serve(&site, "index.html"), ERR_OK);
    assert_int_equal(site.resp.status, 200);
    site_release(&site);
}

static void test_assets__serves_compressed_siblings_to_those_who_accept_them(void **state)
{
    (void)state;
    static const struct {
        const char *accepts, *coding, *body;
    } rows[] = {
        {"", "", "let a"},
        {"gzip, deflate, br", "br", "br"},
        {"gzip;q=0.5", "gzip", "gz!"},
        {"br;q=0, gzip", "gzip", "gz!"},
        {"BR;q=0.0,identity", "", "let a"},
        {"brr", "", "let a"},
        {"br;q=0.001", "br", "br"},
    };
    struct site site;
    site_init(&site);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ask(&site, "accept-encoding", rows[i].accepts);
        assert_int_equal(serve(&site, "sub/app-B3x9kQz2.js"), ERR_OK);
        assert_slice(buf_slice(&site.resp.body), rows[i].body);
        assert_string_equal(header(&site, "Content-Encoding"), rows[i].coding);
        assert_string_equal(header(&site, "Vary"), "Accept-Encoding");
        assert_string_equal(site.resp.content_type, "text/javascript; charset=utf-8");
        assert_true(site.resp.is_immutable);
    }
    site_release(&site);
}

static void test_assets__serves_nothing_outside_or_hidden(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "/",
                                      "..",
                                      "../secret",
                                      "sub/../index.html",
                                      "sub",
                                      "sub/",
                                      "link",
                                      "linked/app-B3x9kQz2.js",
                                      ".hidden",
                                      "absent",
                                      "index.html/",
                                      "./index.html",
                                      "sub//app-B3x9kQz2.js",
                                      "/index.html",
                                      "fifo",
                                      "index.html/x",
                                      "a\\b",
                                      "\x01"};
    struct site site;
    site_init(&site);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        enum err e = serve(&site, bad[i]);
        if (e != ERR_NOT_FOUND)
            print_error("%s\n", bad[i]);
        assert_int_equal(e, ERR_NOT_FOUND);
    }
    char *name = arena_alloc(site.arena, 301);
    memset(name, 'a', 300);
    assert_int_equal(serve(&site, name), ERR_NOT_FOUND);
    site.req.method = HTTP_POST;
    assert_int_equal(serve(&site, "index.html"), ERR_METHOD);
    site_release(&site);
}

static void test_assets__hands_on_large_files_by_path(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    char *large = calloc(1, ASSET_INLINE_BYTES_MAX + 1);
    file_write(&site, "www/large.csv", large, ASSET_INLINE_BYTES_MAX);
    assert_int_equal(serve(&site, "large.csv"), ERR_OK);
    assert_int_equal(site.resp.body.len, ASSET_INLINE_BYTES_MAX);
    assert_null(site.resp.file_path);
    file_write(&site, "www/large.csv", large, ASSET_INLINE_BYTES_MAX + 1);
    assert_int_equal(serve(&site, "large.csv"), ERR_OK);
    assert_int_equal(site.resp.body.len, 0);
    assert_non_null(site.resp.file_path);
    assert_int_equal(access(site.resp.file_path, R_OK), 0);
    assert_false(site.resp.file_is_temporary);
    free(large);
    site_release(&site);
}

static void test_assets__tells_hashes_from_words(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool immutable;
    } rows[] = {{"www/a-B3x9kQz2.js", true},    {"www/a.0a1b2c3d.css", true},
                {"www/my-dashboard.js", false}, {"www/a-20240131.js", false},
                {"www/B3x9kQz2.js", false},     {"www/a-B3x9kQ.js", false},
                {"www/a-B3x9kQz2", false}};
    struct site site;
    site_init(&site);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        file_write(&site, rows[i].name, "x", 1);
        assert_int_equal(serve(&site, rows[i].name + 4), ERR_OK);
        if (site.resp.is_immutable != rows[i].immutable)
            print_error("%s\n", rows[i].name);
        assert_int_equal(site.resp.is_immutable, rows[i].immutable);
        char path[256];
        (void)snprintf(path, sizeof(path), "%s/%s", site.base, rows[i].name);
        assert_int_equal(remove(path), 0);
    }
    site_release(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assets__serves_a_file_that_revalidates),
        cmocka_unit_test(test_assets__serves_compressed_siblings_to_those_who_accept_them),
        cmocka_unit_test(test_assets__serves_nothing_outside_or_hidden),
        cmocka_unit_test(test_assets__hands_on_large_files_by_path),
        cmocka_unit_test(test_assets__tells_hashes_from_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
