/* letter - texts of plugins with places to fill, in the language of who reads them.
 *
 * Template "welcome" of a plugin is templates/welcome.<lang>.txt, and beside it, if it shall be
 * shown with a layout, templates/welcome.<lang>.html; <lang> is zh-CN or en. A text that is to be
 * sent begins with a line "Subject: …" and an empty line, which are filled in too. Where a language
 * lacks the text, the other one's is taken. See base/template.h for what stands inside.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/model.h"

/* A company may write a text of its own instead: templates/<plugin>.<name>.<lang>.txt (and .html)
 * of one of its bundles. Where that cannot be filled in (the plugin has moved on), the plugin's own
 * is taken, and the log says so. An own text without an own HTML goes as text alone. */
struct letter {
    const char *subject;     /* one line; NULL when the text has none */
    struct slice text, html; /* html empty: there is none */
};

/* Fills in template `name` ("welcome", or "people:welcome" of another plugin) with data (an object;
 * NULL: nothing). ERR_NOT_FOUND: there is no such template; ERR_MALFORMED, ERR_TOO_LARGE. *why is a
 * sentence that begins with "leads/templates/welcome.en.txt:3: ". */
MUST_USE enum err letter_make(struct ctx *ctx, const char *plugin, const char *name, enum lang lang,
                              const struct json *data, struct letter *out, const char **why);
/* The source of one file of a plugin's template, as the plugin has it (`own` false) or as the
 * company wrote it instead. ERR_NOT_FOUND. *file names it in complaints. */
MUST_USE enum err letter_source(struct ctx *ctx, const char *plugin, const char *name,
                                enum lang lang, const char *ending, bool own, struct slice *out,
                                const char **file);
/* One file of it, ".txt" or ".html", with its subject line where it stands. */
MUST_USE enum err letter_part(struct ctx *ctx, const char *plugin, const char *name, enum lang lang,
                              const char *ending, const struct json *data, struct slice *out,
                              const char **why);
