/* test_apart - work in a process of its own ends at its bounds and has nothing of ours.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/apart.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"
#include "hook/late.h"

/* May store and say what a bundle's own tests may. */
static const struct apart_bounds ROOMY = {.wall_ms = 60000,
                                          .cpu_s = 30,
                                          .bytes = BUNDLE_TESTS_BYTES,
                                          .file_bytes = BUNDLE_TESTS_FILE_BYTES,
                                          .said_bytes = BUNDLE_TESTS_SAID_BYTES};

static enum apart_end run(const struct apart_bounds *bounds, void (*fn)(void *arg, int fd),
                          void *arg, struct buf *said)
{
    enum apart_end how;
    assert_int_equal(apart_run(bounds, fn, arg, said, &how), ERR_OK);
    return how;
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        _exit(1);
}

static void answer(void *arg, int fd)
{
    *(int *)arg = 7; /* its own copy */
    say(fd, "half ");
    say(fd, "and half");
}

static void test_apart__what_it_says_comes_back(void **state)
{
    (void)state;
    struct buf said = BUF_INIT;
    int seen = 3;
    buf_put_str(&said, "before: ");
    assert_int_equal(run(&ROOMY, answer, &seen, &said), APART_DONE);
    assert_string_equal(buf_cstr(&said), "before: half and half");
    assert_int_equal(seen, 3);
    buf_release(&said);
}

static void loops(void *arg, int fd)
{
    (void)arg;
    say(fd, "begun");
    for (volatile unsigned i = 0;; i++)
        ;
}

static void sleeps(void *arg, int fd)
{
    (void)arg;
    say(fd, "begun");
    for (;;)
        (void)pause();
}

static void test_apart__it_ends_at_its_times(void **state)
{
    (void)state;
    struct apart_bounds bounds = ROOMY;
    struct buf said = BUF_INIT;
    bounds.cpu_s = 1;
    assert_int_equal(run(&bounds, loops, NULL, &said), APART_CPU);
    assert_string_equal(buf_cstr(&said), "begun"); /* what it had said is kept */
    bounds.wall_ms = 200;
    assert_int_equal(run(&bounds, sleeps, NULL, &said), APART_SLOW);
    buf_release(&said);
}

/* As the watch of a script tells it that does not come back. */
static void hangs(void *arg, int fd)
{
    static const struct late_code code = {.tenant = "t", .plugin = "p"};
    (void)arg;
    (void)fd;
    late_tell(&code, false, clock_mono_us());
    for (;;)
        (void)pause();
}

static void test_apart__a_script_that_hangs_is_noticed_before(void **state)
{
    (void)state;
    struct buf said = BUF_INIT;
    assert_int_equal(run(&ROOMY, hangs, NULL, &said), APART_SLOW);
    buf_release(&said);
}

static void talks(void *arg, int fd)
{
    char text[64];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < *(int *)arg; i++)
        if (write(fd, text, sizeof text) < 0)
            _exit(1);
}

static void test_apart__it_may_say_so_much_and_no_more(void **state)
{
    (void)state;
    struct buf said = BUF_INIT;
    int times = BUNDLE_TESTS_SAID_BYTES / 64;
    assert_int_equal(run(&ROOMY, talks, &times, &said), APART_DONE);
    assert_int_equal(said.len, ROOMY.said_bytes);
    buf_clear(&said);
    times++;
    assert_int_equal(run(&ROOMY, talks, &times, &said), APART_SAID);
    buf_release(&said);
}

static void writes(void *arg, int fd)
{
    int file = open(arg, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lseek(file, BUNDLE_TESTS_FILE_BYTES - 1, SEEK_SET) < 0 || write(file, "x", 1) != 1)
        say(fd, "short");
    say(fd, "full");
    if (write(file, "x", 1) != 1)
        say(fd, " short");
    say(fd, " done");
}

static void test_apart__its_files_are_bounded(void **state)
{
    (void)state;
    char path[] = "/tmp/perigee-apart-XXXXXX";
    struct buf said = BUF_INIT;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    unlink(path);
    assert_int_equal(run(&ROOMY, writes, path, &said), APART_FILE);
    assert_string_equal(buf_cstr(&said), "full");
    unlink(path);
    buf_release(&said);
}

/* Of memory it writes to, beside what it began with: a little less than the bound, and more. */
static void grows(void *arg, int fd)
{
    const size_t slack = 16 << 20;
    size_t most = BUNDLE_TESTS_BYTES;
    (void)arg;
    for (size_t bytes = most - slack; bytes <= most + slack; bytes += 2 * slack) {
        void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        say(fd, at == MAP_FAILED ? "none " : "some ");
        if (at != MAP_FAILED)
            (void)munmap(at, bytes);
    }
}

static void test_apart__its_memory_is_bounded(void **state)
{
    (void)state;
    struct buf said = BUF_INIT;
    assert_int_equal(ROOMY.bytes, BUNDLE_TESTS_BYTES);
    assert_int_equal(run(&ROOMY, grows, NULL, &said), APART_DONE);
    assert_string_equal(buf_cstr(&said), "some none ");
    buf_release(&said);
}

static void test_apart__others_are_served_meanwhile(void **state)
{
    (void)state;
    struct apart *apart, *other;
    struct buf said = BUF_INIT, said_too = BUF_INIT;
    assert_int_equal(apart_begin(&ROOMY, sleeps, NULL, &said, &apart), ERR_OK);
    assert_int_equal(apart_begin(&ROOMY, answer, &(int){0}, &said_too, &other), ERR_OK);
    while (!apart_is_over(other, 1))
        assert_false(apart_is_over(apart, 0));
    assert_int_equal(apart_end(other), APART_DONE);
    assert_string_equal(buf_cstr(&said_too), "half and half");
    apart_stop(apart);
    assert_int_equal(apart_end(apart), APART_SLOW);
    buf_release(&said);
    buf_release(&said_too);
}

static void dies(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    (void)raise(SIGABRT);
}

static void leaves(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    _exit(3);
}

static void test_apart__its_death_is_told(void **state)
{
    (void)state;
    struct buf said = BUF_INIT;
    assert_int_equal(run(&ROOMY, dies, NULL, &said), APART_LOST);
    assert_int_equal(run(&ROOMY, leaves, NULL, &said), APART_LOST);
    buf_release(&said);
}

static void looks(void *arg, int fd)
{
    if (fcntl(*(int *)arg, F_GETFD) < 0)
        say(fd, "closed");
}

static void test_apart__it_has_nothing_of_what_is_open(void **state)
{
    (void)state;
    struct buf said = BUF_INIT;
    int mine = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 50);
    assert_true(mine >= 50);
    assert_int_equal(run(&ROOMY, looks, &mine, &said), APART_DONE);
    assert_string_equal(buf_cstr(&said), "closed");
    assert_true(fcntl(mine, F_GETFD) >= 0);
    close(mine);
    buf_release(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart__what_it_says_comes_back),
        cmocka_unit_test(test_apart__it_ends_at_its_times),
        cmocka_unit_test(test_apart__a_script_that_hangs_is_noticed_before),
        cmocka_unit_test(test_apart__it_may_say_so_much_and_no_more),
        cmocka_unit_test(test_apart__its_files_are_bounded),
        cmocka_unit_test(test_apart__its_memory_is_bounded),
        cmocka_unit_test(test_apart__others_are_served_meanwhile),
        cmocka_unit_test(test_apart__its_death_is_told),
        cmocka_unit_test(test_apart__it_has_nothing_of_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
