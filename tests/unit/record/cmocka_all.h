/* cmocka_all - cmocka and the standard headers it wants before it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
