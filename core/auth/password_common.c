/* password_common - what guessers try first.
 *
 * A password is reduced to its core: folded, digits that stand for letters turned back, digits and
 * signs at both ends dropped. If the core is a stem, a run along the keyboard or the alphabet, or
 * one piece repeated, the password is common, however it is decorated.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/password.h"
#include "base/limits.h"
#include "base/text.h"

#define DIGITS_ONLY_MAX 12 /* shorter ones are dates, phone and serial numbers */
#define PIECE_MAX       4  /* "abcabcabc" repeats a piece of 3 */

static const char *const lists[] = {
    "/usr/share/john/password.lst",
    "/usr/share/dict/cracklib-small",
};

/* Written from what is commonly known of leaked lists; Chinese habits included. */
static const char *const stems[] = {
    "password", "passwort",      "passwd",    "pass",        "secret",    "letmein",  "welcome",
    "admin",    "administrator", "root",      "login",       "master",    "user",     "guest",
    "test",     "testing",       "demo",      "sample",      "default",   "changeme", "iloveyou",
    "loveyou",  "woaini",        "woaiwo",    "woaiziji",    "wodemima",  "mima",     "nihao",
    "zhongguo", "china",         "beijing",   "shanghai",    "monkey",    "dragon",   "sunshine",
    "princess", "football",      "baseball",  "basketball",  "superman",  "batman",   "pokemon",
    "michael",  "jordan",        "jessica",   "ashley",      "charlie",   "shadow",   "hunter",
    "killer",   "trustno",       "freedom",   "whatever",    "flower",    "computer", "internet",
    "server",   "service",       "company",   "office",      "manager",   "sales",    "customer",
    "perigee",  "crm",           "summer",    "winter",      "spring",    "autumn",   "january",
    "february", "march",         "april",     "august",      "september", "october",  "november",
    "december", "monday",        "friday",    "sunday",      "hello",     "access",   "abcd",
    "starwars", "samsung",       "google",    "microsoft",   "windows",   "qwer",     "asdf",
    "zxcv",     "qazwsx",        "qazwsxedc", "onetwothree", "blahblah",  "nothing",  "cheese",
};

static const char *const runs[] = {
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "01234567890",
    "qwertzuiop",
    "azertyuiop",
    "!@#$%^&*()",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujm",
};

const char *password_list_path(void)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (access(lists[i], R_OK) == 0)
            return lists[i];
    return NULL;
}

/* The file is read anew each time: passwords are set rarely, and a scan takes about a millisecond.
 */
static bool list_has(const char *path, struct slice folded)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool found = false;
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= PASSWORD_LIST_BYTES_MAX) {
        char *text = malloc((size_t)st.st_size);
        ASSERT_MEMORY(text);
        ssize_t n = read(fd, text, (size_t)st.st_size);
        struct slice rest = slice_of(text, n > 0 ? (size_t)n : 0);
        while (rest.len > 0 && !found) {
            struct slice line = slice_trim(slice_split(&rest, '\n'));
            found = slice_eq_nocase(line, folded);
        }
        free(text);
    }
    (void)close(fd);
    return found;
}

static char letter_of(char c)
{
    switch (c) {
    case '0':
        return 'o';
    case '1':
    case '!':
        return 'i';
    case '3':
        return 'e';
    case '4':
    case '@':
        return 'a';
    case '5':
    case '$':
        return 's';
    case '7':
        return 't';
    default:
        return c;
    }
}

/* One piece of up to PIECE_MAX bytes again and again: "aaaaaaaa", "abcabcabc". */
static bool is_repeated(struct slice s)
{
    for (size_t piece = 1; piece <= PIECE_MAX && piece * 2 <= s.len; piece++) {
        size_t i = piece;
        while (i < s.len && s.at[i] == s.at[i - piece])
            i++;
        if (i == s.len)
            return true;
    }
    return false;
}

/* A part of one of the runs, forwards or backwards. */
static bool is_run(struct slice s)
{
    char reversed[PASSWORD_BYTES_MAX];
    if (s.len < PIECE_MAX || s.len > sizeof reversed)
        return false;
    for (size_t i = 0; i < s.len; i++)
        reversed[i] = s.at[s.len - 1 - i];
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (slice_find(slice_str(runs[i]), s) >= 0 ||
            slice_find(slice_str(runs[i]), slice_of(reversed, s.len)) >= 0)
            return true;
    return false;
}

/* The whole made of runs of at least PIECE_MAX, each taken as long as it goes: "qwer1234". */
static bool is_made_of_runs(struct slice s)
{
    while (s.len > 0) {
        size_t n = s.len;
        while (n >= PIECE_MAX && !is_run(slice_of(s.at, n)))
            n--;
        if (n < PIECE_MAX)
            return false;
        s = slice_of(s.at + n, s.len - n);
    }
    return true;
}

static bool is_stem(struct slice s)
{
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++)
        if (slice_is(s, stems[i]))
            return true;
    return false;
}

/* Without digits and signs at both ends. */
static struct slice core_of(struct slice s)
{
    while (s.len > 0 && !isalpha((unsigned char)s.at[0]) && !((unsigned char)s.at[0] & 0x80))
        s = slice_of(s.at + 1, s.len - 1);
    while (s.len > 0 && !isalpha((unsigned char)s.at[s.len - 1]) &&
           !((unsigned char)s.at[s.len - 1] & 0x80))
        s.len--;
    return s;
}

static bool is_pattern(struct slice folded)
{
    char letters[PASSWORD_BYTES_MAX];
    struct slice core = core_of(folded);
    for (size_t i = 0; i < folded.len; i++)
        letters[i] = letter_of(folded.at[i]);
    struct slice turned = slice_of(letters, folded.len);
    struct slice turned_core = slice_of(letters + (core.len ? core.at - folded.at : 0), core.len);
    /* what is around the core is decoration only while it is short: "abc" in a long sentence of
     * signs and digits is no pattern */
    bool decorated = core.len * 2 >= folded.len;
    if (core.len == 0)
        return folded.len < DIGITS_ONLY_MAX;
    return is_stem(turned) || is_made_of_runs(folded) || is_repeated(folded) ||
           (decorated &&
            (is_stem(core) || is_stem(turned_core) || is_made_of_runs(core) || is_repeated(core)));
}

bool password_is_common(struct slice password)
{
    if (password.len == 0 || password.len > PASSWORD_BYTES_MAX || !text_is_utf8(password))
        return password.len == 0;
    struct buf folded = BUF_INIT;
    text_fold(&folded, password);
    struct slice s = buf_slice(&folded);
    const char *path = password_list_path();
    bool common = s.len == 0 || s.len > PASSWORD_BYTES_MAX || is_repeated(s) ||
                  is_made_of_runs(s) || is_pattern(s) || (path && list_has(path, s));
    buf_release(&folded);
    return common;
}
