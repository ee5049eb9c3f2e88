/* help - what the tests of http/ share.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/req.h"

#define assert_slice(s, text)                                                                      \
    do {                                                                                           \
        struct slice assert_slice_ = (s);                                                          \
        assert_int_equal(assert_slice_.len, strlen(text));                                         \
        assert_memory_equal(assert_slice_.len ? assert_slice_.at : "", text, assert_slice_.len);   \
    } while (0)
