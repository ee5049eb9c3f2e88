/* eval - one piece of Lua that an operator types, in a tenant's VM.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm.h"

/* Evaluates an expression, or runs statements, with `ctx` and the libraries of the plugin (NULL:
 * core). `host` NULL: inside the transaction and unit that are open; else outside of any, as a job
 * is. What it gives is appended to out as text, a line for each value. ERR_PLUGIN with a sentence
 * in ctx->err.detail; what was refused is handed on. ERR_NOT_FOUND: there is no such plugin. */
MUST_USE enum err vm_eval(struct vm *vm, struct ctx *ctx, const struct vm_host *host,
                          const char *plugin, struct slice code, struct buf *out);
