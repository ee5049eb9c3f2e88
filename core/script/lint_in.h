/* lint_in - what the files of lint share; private to script/lint*.c.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/lint.h"
#include "script/vm_in.h"
#include "tenant/pack.h"

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    struct slice text; /* of a TEXT what is between its quotes; with escapes it is {NULL, 0} */
    int line;
    int pair; /* of ( { [ and function, do, then … : the token that closes it; else -1 */
};

struct tokens {
    struct token *items; /* ended by a TOKEN_END */
    int count;
};

/* Which entities' records a function is called with; entity NULL ends the list. */
struct binding {
    struct binding *next;
    int first_line, last_line;
    const char *event, *context; /* names of its parameters, or NULL */
    const struct entity *entities[LINT_ENTITIES_MAX + 1];
    bool is_action; /* ev:fail names parameters, too */
    bool is_many;   /* more entities than are kept: nothing is certain */
};

struct lint {
    struct ctx *ctx;
    const struct model *model;
    const struct plugin *plugin;
    lint_cb tell;
    void *arg;
    const char *file; /* "acme.sales/rules.lua" */
    struct tokens tokens;
    struct binding *bindings; /* of this file */
    bool only_model;          /* what depends on other plugins, and nothing that is its own slip */
    bool lacks_optional; /* a plugin that may be there is not: what is unknown may be its own */
};

/* NULL: it is no Lua that can be read. */
bool lint_tokens(struct arena *arena, struct slice text, struct tokens *out);
void lint_say(const struct lint *lint, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* " (did you mean "x"?)", or "". */
const char *lint_near(struct arena *arena, const char *near);
/* Judges the tokens of one file. */
void lint_file(struct lint *lint);
/* Only the keys of texts that they name. */
void lint_file_keys(struct lint *lint);
/* Tells of every name that compiled code reads or sets in _ENV and the sandbox lacks. */
void lint_globals(struct lint *lint, struct slice compiled);
/* Texts: keys of declarations, and those of one language that the other lacks. */
void lint_words(struct lint *lint, const struct pack *pack);
/* Does the plugin have that key in each language? Else tells. `where` may end in a line. */
void lint_key(struct lint *lint, int line, struct slice key);
