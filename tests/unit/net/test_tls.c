/* test_tls - TLS connections: a real client of the same library, and openssl for what it cannot
 * ask.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "help.h"

/* ---- certificates ---- */

static char folder[] = "/tmp/perigee-test-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][64];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make_pair(const char *name, const char *key, const char *common_name)
{
    char command[512];
    snprintf(command, sizeof command,
             "openssl req -x509 -nodes -days 2 -newkey %s -subj /CN=%s -keyout %s/%s.key "
             "-out %s/%s.crt 2>/dev/null",
             key, common_name, folder, name, folder, name);
    assert_int_equal(system(command), 0);
}

#define KEY_EC "ec -pkeyopt ec_paramgen_curve:P-256"

static int setup_all(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    tls_init();
    make_pair("ec", KEY_EC, "first");
    make_pair("rsa", "rsa:2048", "rsa");
    make_pair("other", KEY_EC, "second");
    return 0;
}

static int teardown_all(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct tls *tls_of(const char *name)
{
    char cert[80], key[80];
    const char *why = NULL;
    struct tls *tls;
    snprintf(cert, sizeof cert, "%s/%s.crt", folder, name);
    snprintf(key, sizeof key, "%s/%s.key", folder, name);
    assert_int_equal(tls_new(cert, key, &tls, &why), ERR_OK);
    return tls;
}

/* ---- the other side ---- */

struct client {
    int fd;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
};

static int client_bio_send(void *arg, const unsigned char *bytes, size_t n)
{
    ssize_t sent = send(*(int *)arg, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
        return (int)sent;
    return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : -1;
}

static int client_bio_recv(void *arg, unsigned char *bytes, size_t n)
{
    ssize_t got = recv(*(int *)arg, bytes, n, MSG_DONTWAIT);
    if (got >= 0)
        return (int)got;
    return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : -1;
}

static void tls_client_start(struct client *c, int port, int version, const char **protocols,
                             int rcvbuf)
{
    c->fd = client_open(port, rcvbuf);
    mbedtls_ssl_config_init(&c->config);
    mbedtls_ssl_init(&c->ssl);
    assert_int_equal(mbedtls_ssl_config_defaults(&c->config, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&c->config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_authmode(&c->config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_min_tls_version(&c->config, (mbedtls_ssl_protocol_version)version);
    mbedtls_ssl_conf_max_tls_version(&c->config, (mbedtls_ssl_protocol_version)version);
    if (protocols)
        assert_int_equal(mbedtls_ssl_conf_alpn_protocols(&c->config, protocols), 0);
    assert_int_equal(mbedtls_ssl_setup(&c->ssl, &c->config), 0);
    assert_int_equal(mbedtls_ssl_set_hostname(&c->ssl, "localhost"), 0);
    mbedtls_ssl_set_bio(&c->ssl, &c->fd, client_bio_send, client_bio_recv, NULL);
}

static bool wants(int result)
{
    return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int tls_client_shake(struct loop *loop, struct client *c)
{
    int result;
    while (wants(result = mbedtls_ssl_handshake(&c->ssl)))
        loop_turn(loop, 5);
    return result;
}

static void tls_client_send(struct loop *loop, struct client *c, const char *at, size_t len)
{
    while (len > 0) {
        int n = mbedtls_ssl_write(&c->ssl, (const unsigned char *)at, len);
        assert_true(n > 0 || wants(n));
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
        loop_turn(loop, n > 0 ? 0 : 1);
    }
}

/* 0 at an orderly end, < 0 on a failure, else the bytes read (all that were asked for). */
static ptrdiff_t tls_client_read(struct loop *loop, struct client *c, char *at, size_t len)
{
    size_t done = 0;
    while (done < len) {
        int n = mbedtls_ssl_read(&c->ssl, (unsigned char *)at + done, len - done);
        if (n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || n == 0)
            return 0;
        if (n < 0 && !wants(n))
            return n;
        if (n > 0)
            done += (size_t)n;
        else
            loop_turn(loop, 1);
    }
    return (ptrdiff_t)done;
}

static void tls_client_end(struct client *c)
{
    mbedtls_ssl_free(&c->ssl);
    mbedtls_ssl_config_free(&c->config);
    close(c->fd);
}

/* ---- one server per test ---- */

struct fixture {
    struct loop *loop;
    struct listener *listener;
    struct tls *tls;
    struct seen seen;
    int port;
    int silent; /* a socket that has said nothing; 0 = none */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = loop_new();
    f->tls = tls_of("ec");
    f->seen.echo = true;
    f->listener = serve_with(f->loop,
                             (struct listener_opts){.tls = f->tls,
                                                    .open_cb = seen_open,
                                                    .user = &f->seen,
                                                    .conns_max = 1000,
                                                    .per_address_max = 1000,
                                                    .handshake_ms_max = 2000},
                             &f->port);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->seen.conn)
        conn_close(f->seen.conn, false);
    listener_close(f->listener);
    loop_free(f->loop);
    assert_int_equal(f->seen.opened, f->seen.closed);
    tls_free(f->tls);
    seen_release(&f->seen);
    if (f->silent)
        close(f->silent);
    free(f);
    return 0;
}

static void check_echo(struct fixture *f, int version, const char *suite)
{
    static const char *http[] = {"h2", "http/1.1", NULL};
    struct client c;
    char got[16];
    tls_client_start(&c, f->port, version, http, 0);
    assert_int_equal(tls_client_shake(f->loop, &c), 0);
    /* Among those of 1.3 the client's order counts. */
    assert_memory_equal(mbedtls_ssl_get_ciphersuite(&c.ssl), suite, strlen(suite));
    assert_string_equal(mbedtls_ssl_get_alpn_protocol(&c.ssl), "http/1.1");
    tls_client_send(f->loop, &c, "hello", 5);
    assert_int_equal(tls_client_read(f->loop, &c, got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    assert_true(conn_is_tls(f->seen.conn));
    mbedtls_ssl_close_notify(&c.ssl);
    int before = f->seen.closed;
    turn_until(f->loop, f->seen.closed == before + 1);
    assert_int_equal(f->seen.why, CONN_END_EOF);
    tls_client_end(&c);
}

static void test_tls__speaks_1_2_and_1_3(void **state)
{
    struct fixture *f = *state;
    check_echo(f, MBEDTLS_SSL_VERSION_TLS1_2, "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256");
    check_echo(f, MBEDTLS_SSL_VERSION_TLS1_3, "TLS1-3-");
    assert_int_equal(listener_stats(f->listener).handshakes_failed, 0);
}

static void test_tls__rsa_keys_serve_too(void **state)
{
    (void)state;
    struct fixture f = {.loop = loop_new(), .tls = tls_of("rsa"), .seen = {.echo = true}};
    f.listener = serve(f.loop, &f.seen, f.tls, &f.port);
    check_echo(&f, MBEDTLS_SSL_VERSION_TLS1_2, "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256");
    check_echo(&f, MBEDTLS_SSL_VERSION_TLS1_3, "TLS1-3-");
    listener_close(f.listener);
    loop_free(f.loop);
    tls_free(f.tls);
    seen_release(&f.seen);
}

static void test_tls__megabytes_both_ways(void **state)
{
    struct fixture *f = *state;
    struct client c;
    size_t total = 3 << 20, sent = 0, got = 0;
    char *data = malloc(total), *back = malloc(total);
    for (size_t i = 0; i < total; i++)
        data[i] = file_byte(i);
    tls_client_start(&c, f->port, MBEDTLS_SSL_VERSION_TLS1_3, NULL, 0);
    assert_int_equal(tls_client_shake(f->loop, &c), 0);
    while (got < total) {
        if (sent < total) {
            int n = mbedtls_ssl_write(&c.ssl, (unsigned char *)data + sent, total - sent);
            assert_true(n > 0 || wants(n));
            sent += n > 0 ? (size_t)n : 0;
        }
        int n = mbedtls_ssl_read(&c.ssl, (unsigned char *)back + got, total - got);
        assert_true(n > 0 || wants(n));
        got += n > 0 ? (size_t)n : 0;
        loop_turn(f->loop, 0);
    }
    assert_memory_equal(data, back, total);
    free(data);
    free(back);
    tls_client_end(&c);
}

static void check_file(struct fixture *f, int version)
{
    struct client c;
    size_t size = 8 << 20, offset = 777;
    tls_client_start(&c, f->port, version, NULL, 4096);
    assert_int_equal(tls_client_shake(f->loop, &c), 0);
    /* The client may be done before the server has seen its last message. */
    int opened = version == MBEDTLS_SSL_VERSION_TLS1_2 ? 1 : 2;
    turn_until(f->loop, f->seen.opened == opened);
    write_text(f->seen.conn, "head");
    conn_send_file(f->seen.conn, file_make(size), (int64_t)offset, (int64_t)(size - offset));
    write_text(f->seen.conn, "tail");
    for (int i = 0; i < 20; i++)
        loop_turn(f->loop, 1);
    assert_true(conn_queued(f->seen.conn) > 0); /* nobody reads yet */
    conn_close(f->seen.conn, true);
    size_t total = size - offset + 8;
    char *got = malloc(total + 1);
    assert_int_equal(tls_client_read(f->loop, &c, got, total), total);
    assert_memory_equal(got, "head", 4);
    assert_memory_equal(got + total - 4, "tail", 4);
    for (size_t i = 0; i < size - offset; i++)
        assert_int_equal(got[4 + i], file_byte(offset + i));
    assert_int_equal(tls_client_read(f->loop, &c, got, 1), 0); /* close_notify */
    free(got);
    tls_client_end(&c);
    turn_until(f->loop, f->seen.closed == opened);
    assert_int_equal(f->seen.why, CONN_END_LOCAL);
}

static void test_tls__file_to_a_slow_reader_then_good_bye(void **state)
{
    check_file(*state, MBEDTLS_SSL_VERSION_TLS1_2);
    check_file(*state, MBEDTLS_SSL_VERSION_TLS1_3);
}

static void test_tls__file_shorter_than_promised_ends_it(void **state)
{
    struct fixture *f = *state;
    struct client c;
    tls_client_start(&c, f->port, MBEDTLS_SSL_VERSION_TLS1_3, NULL, 0);
    assert_int_equal(tls_client_shake(f->loop, &c), 0);
    turn_until(f->loop, f->seen.opened == 1);
    conn_send_file(f->seen.conn, file_make(1000), 0, 2000);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_ERROR);
    tls_client_end(&c);
}

/* ---- what fails ---- */

static void test_tls__no_common_protocol_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *only_h2[] = {"h2", NULL};
    struct client c;
    tls_client_start(&c, f->port, MBEDTLS_SSL_VERSION_TLS1_2, only_h2, 0);
    assert_int_not_equal(tls_client_shake(f->loop, &c), 0);
    turn_until(f->loop, listener_conns(f->listener) == 0);
    assert_int_equal(listener_stats(f->listener).handshakes_failed, 1);
    assert_int_equal(f->seen.opened, 0);
    tls_client_end(&c);
}

static void test_tls__garbage_is_a_failed_handshake(void **state)
{
    struct fixture *f = *state;
    int fd = client_open(f->port, 0);
    client_send(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_sees_end(f->loop, fd);
    turn_until(f->loop, listener_conns(f->listener) == 0);
    assert_int_equal(listener_stats(f->listener).handshakes_failed, 1);
    assert_int_equal(f->seen.opened, 0);
    close(fd);
}

static void test_tls__silence_ends_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    int fd = client_open(f->port, 0);
    turn_until(f->loop, listener_conns(f->listener) == 1);
    client_sees_end(f->loop, fd);
    turn_until(f->loop, listener_conns(f->listener) == 0);
    assert_int_equal(listener_stats(f->listener).handshakes_failed, 1);
    close(fd);
}

static void test_tls__handshakes_under_way_go_with_the_loop(void **state)
{
    struct fixture *f = *state;
    int fd = client_open(f->port, 0);
    turn_until(f->loop, listener_conns(f->listener) == 1);
    assert_int_equal(f->seen.opened, 0);
    f->silent = fd; /* only loop_free, in teardown, can close the other end */
}

static void test_tls__a_changed_record_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    struct client c;
    tls_client_start(&c, f->port, MBEDTLS_SSL_VERSION_TLS1_3, NULL, 0);
    assert_int_equal(tls_client_shake(f->loop, &c), 0);
    turn_until(f->loop, f->seen.opened == 1);
    static const char record[] = {0x17, 3, 3, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                  1,    2, 3, 4, 5,  6, 7, 8, 9, 1, 2, 3, 4, 5};
    assert_int_equal(send(c.fd, record, sizeof record, 0), sizeof record);
    turn_until(f->loop, f->seen.closed == 1);
    assert_int_equal(f->seen.why, CONN_END_ERROR);
    assert_int_equal(f->seen.in.len, 0);
    tls_client_end(&c);
}

static void test_tls__handshakes_of_one_address_have_a_rate(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; listener_stats(f->listener).refused == 0 && i < 2 * HANDSHAKES_BURST; i++) {
        int fd = client_open(f->port, 0);
        loop_turn(f->loop, 0);
        close(fd);
        loop_turn(f->loop, 0);
    }
    turn_until(f->loop, listener_conns(f->listener) == 0);
    assert_true(listener_stats(f->listener).refused > 0);
    assert_true(listener_stats(f->listener).accepted >= HANDSHAKES_BURST);
    /* HANDSHAKES_PER_S: a little later there is room for one more, not for all again. */
    int64_t before = listener_stats(f->listener).accepted;
    for (int i = 0; listener_stats(f->listener).accepted == before && i < HELP_TURNS_MAX; i++) {
        int fd = client_open(f->port, 0);
        loop_turn(f->loop, 10);
        close(fd);
        loop_turn(f->loop, 0);
    }
    assert_int_equal(listener_stats(f->listener).accepted, before + 1);
}

/* openssl as the client, through a shell; its exit code. */
static int openssl_client(struct fixture *f, const char *options)
{
    char command[400];
    snprintf(command, sizeof command,
             "openssl s_client -connect 127.0.0.1:%d %s </dev/null >%s 2>&1; echo $?", f->port,
             options, in_folder("s_client"));
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_int_equal(fcntl(fileno(out), F_SETFL, O_NONBLOCK), 0);
    char got[8] = "";
    ssize_t n = -1;
    for (int i = 0; i < HELP_TURNS_MAX && n <= 0; i++) {
        loop_turn(f->loop, 10);
        n = read(fileno(out), got, sizeof got - 1);
    }
    pclose(out);
    assert_true(n > 0);
    return atoi(got);
}

static void test_tls__openssl_gets_only_what_we_offer(void **state)
{
    struct fixture *f = *state;
    /* SECLEVEL=0, so that it is us who refuse. */
    static const char *const refused[] = {
        "-tls1 -cipher ALL:@SECLEVEL=0",
        "-tls1_1 -cipher ALL:@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM",
        "-tls1_2 -cipher AES128-GCM-SHA256",
        "-tls1_2 -groups P-521",
        "-tls1_3 -groups P-521",
        "-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256",
    };
    static const char *const accepted[] = {
        "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
        "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305",
        "-tls1_3 -groups P-384",
        "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384 -groups X25519",
        "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256 -groups P-256",
        "-alpn http/1.1",
    };
    int64_t failed = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (openssl_client(f, refused[i]) == 0)
            fail_msg("accepted: %s", refused[i]);
    }
    turn_until(f->loop, listener_conns(f->listener) == 0);
    failed = listener_stats(f->listener).handshakes_failed;
    assert_true(failed > 0);
    assert_int_equal(f->seen.opened, 0);
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        if (openssl_client(f, accepted[i]) != 0)
            fail_msg("refused: %s", accepted[i]);
    }
    assert_int_equal(listener_stats(f->listener).handshakes_failed, failed);
    turn_until(f->loop, f->seen.closed == (int)(sizeof accepted / sizeof *accepted));
}

static void test_tls__no_tickets_are_given(void **state)
{
    struct fixture *f = *state;
    char command[200];
    assert_int_equal(openssl_client(f, "-tls1_3"), 0);
    snprintf(command, sizeof command, "! grep -q 'TLS session ticket:' %s", in_folder("s_client"));
    assert_int_equal(system(command), 0);
    assert_int_equal(openssl_client(f, "-tls1_2"), 0);
    assert_int_equal(system(command), 0);
}

/* ---- certificates ---- */

static const char *common_name(struct client *c)
{
    static char name[100];
    const mbedtls_x509_crt *cert = mbedtls_ssl_get_peer_cert(&c->ssl);
    assert_non_null(cert);
    assert_true(mbedtls_x509_dn_gets(name, sizeof name, &cert->subject) > 0);
    return name;
}

static void copy_pair(const char *from, const char *to)
{
    char command[300];
    snprintf(command, sizeof command, "cp %s/%s.crt %s/%s.crt && cp %s/%s.key %s/%s.key", folder,
             from, folder, to, folder, from, folder, to);
    assert_int_equal(system(command), 0);
}

static void test_tls__reload_leaves_running_connections_alone(void **state)
{
    (void)state;
    copy_pair("ec", "live");
    struct fixture f = {.loop = loop_new(), .tls = tls_of("live"), .seen = {.echo = true}};
    f.listener = serve(f.loop, &f.seen, f.tls, &f.port);
    struct client old, new;
    const char *why = NULL;
    char got[4];
    tls_client_start(&old, f.port, MBEDTLS_SSL_VERSION_TLS1_3, NULL, 0);
    assert_int_equal(tls_client_shake(f.loop, &old), 0);
    assert_string_equal(common_name(&old), "CN=first");
    copy_pair("other", "live");
    assert_int_equal(tls_reload(f.tls, &why), ERR_OK);
    tls_client_start(&new, f.port, MBEDTLS_SSL_VERSION_TLS1_3, NULL, 0);
    assert_int_equal(tls_client_shake(f.loop, &new), 0);
    assert_string_equal(common_name(&new), "CN=second");
    tls_client_send(f.loop, &old, "old", 3);
    assert_int_equal(tls_client_read(f.loop, &old, got, 3), 3);
    /* A broken file changes nothing. */
    assert_int_equal(truncate(in_folder("live.crt"), 100), 0);
    assert_int_equal(tls_reload(f.tls, &why), ERR_MALFORMED);
    assert_non_null(why);
    tls_client_end(&new);
    tls_client_start(&new, f.port, MBEDTLS_SSL_VERSION_TLS1_2, NULL, 0);
    assert_int_equal(tls_client_shake(f.loop, &new), 0);
    assert_string_equal(common_name(&new), "CN=second");
    /* And a connection outlives the configuration itself. */
    listener_close(f.listener);
    tls_free(f.tls);
    tls_client_send(f.loop, &old, "on", 2);
    assert_int_equal(tls_client_read(f.loop, &old, got, 2), 2);
    tls_client_end(&old);
    tls_client_end(&new);
    turn_until(f.loop, f.seen.closed == 3);
    loop_free(f.loop);
    seen_release(&f.seen);
}

static void test_tls__files_that_do_not_fit_are_explained(void **state)
{
    (void)state;
    struct tls *tls = NULL;
    const struct {
        const char *cert, *key;
        enum err e;
    } rows[] = {
        {"none.crt", "ec.key", ERR_NOT_FOUND},  {"ec.crt", "none.key", ERR_NOT_FOUND},
        {"ec.key", "ec.key", ERR_MALFORMED},    {"ec.crt", "ec.crt", ERR_MALFORMED},
        {"ec.crt", "other.key", ERR_MALFORMED}, {"ec.crt", "rsa.key", ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = NULL;
        assert_int_equal(tls_new(in_folder(rows[i].cert), in_folder(rows[i].key), &tls, &why),
                         rows[i].e);
        assert_non_null(why);
        assert_null(tls);
    }
    tls_free(NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(test_tls__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(speaks_1_2_and_1_3),
        cmocka_unit_test(test_tls__rsa_keys_serve_too),
        test(megabytes_both_ways),
        test(file_to_a_slow_reader_then_good_bye),
        test(file_shorter_than_promised_ends_it),
        test(no_common_protocol_is_refused),
        test(garbage_is_a_failed_handshake),
        test(silence_ends_at_the_deadline),
        test(handshakes_under_way_go_with_the_loop),
        test(a_changed_record_ends_the_connection),
        test(handshakes_of_one_address_have_a_rate),
        test(openssl_gets_only_what_we_offer),
        test(no_tickets_are_given),
        cmocka_unit_test(test_tls__reload_leaves_running_connections_alone),
        cmocka_unit_test(test_tls__files_that_do_not_fit_are_explained),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
