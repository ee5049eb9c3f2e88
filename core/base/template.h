/* template - texts with places to fill: letters, messages, small pages.
 *
 *   {{name}} {{person.phone}}      a value; in HTML it is escaped
 *   {{raw body}}                   as it is: only for what is HTML already
 *   {{if name}} … {{else}} … {{end}}      also {{if not name}}
 *   {{for item in items}} … {{else}} … {{end}}   {{else}}: there are none
 *   {{# a note for whoever writes it }}
 *
 * No expressions and no calls: what is to be shown is worked out before and handed in as data. A
 * name that the data lacks is an error with file and line, never an empty place; null is empty.
 * Null, false, 0, "" and lists without items are no in {{if}}. A line that holds nothing but one
 * of if, for, else, end or a note leaves no line behind.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"

enum template_escape { TEMPLATE_PLAIN, TEMPLATE_HTML };

struct template;

/* Reads a template; `name` ("leads/templates/welcome.en.txt") stands in complaints, and both it and
 * the source must live as long. ERR_MALFORMED, ERR_TOO_LARGE with *why "name:line: …". */
MUST_USE enum err template_parse(struct arena *arena, const char *name, struct slice source,
                                 const struct template **out, const char **why);
/* Calls cb for every value it asks for, by its path in the data: of a loop over order.lines a
 * {{line.count}} is "order.lines.count". `raw` says that it is put in unescaped. */
void template_paths(struct arena *arena, const struct template *t,
                    void (*cb)(void *arg, const char *path, bool raw, int line), void *arg);
/* Fills it in and appends to out; on failure out is as it was. At most TEMPLATE_STEPS_MAX steps and
 * TEMPLATE_OUT_BYTES_MAX bytes. */
MUST_USE enum err template_render(struct arena *arena, const struct template *t,
                                  const struct json *data, enum template_escape escape,
                                  struct buf *out, const char **why);
