/* author - what the author of a plugin asks for: a skeleton to begin with, a check, its tests.
 *
 * None of it needs a server or a tenant; `plugin check FOLDER TENANT` reads which plugins one has.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/author.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/rig.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/print.h"
#include "script/lint.h"
#include "script/sandbox.h"
#include "tenant/config.h"
#include "tenant/folder.h"
#include "tenant/pack.h"

/* --- new ----------------------------------------------------------------------------------------
 */

#define LICENCE  "-- SPDX-License-Identifier: MIT\n"
#define SKELETON "acme.sales" /* the name that schemas/skeleton uses for itself */

/* "acme.sales" → "acme_sales": where a dot may not stand. */
static const char *plain_name(struct arena *arena, const char *id)
{
    char *name = arena_strdup(arena, id);
    for (char *at = name; *at; at++)
        if (*at == '.')
            *at = '_';
    return name;
}

static void put_replaced(struct buf *out, struct slice text, const char *from, const char *to)
{
    struct slice wanted = slice_str(from);
    for (long at; (at = slice_find(text, wanted)) >= 0;) {
        buf_put_slice(out, slice_of(text.at, (size_t)at));
        buf_put_str(out, to);
        text = slice_of(text.at + at + wanted.len, text.len - (size_t)at - wanted.len);
    }
    buf_put_slice(out, text);
}

/* One file of the skeleton under the plugin's own name. */
static enum err write_file(struct arena *arena, const char *folder, const struct pack_file *file,
                           const char *id)
{
    struct buf text = BUF_INIT, named = BUF_INIT;
    struct buf own = BUF_INIT;
    put_replaced(&own, file->bytes, LICENCE, ""); /* what is made of it is its author's */
    put_replaced(&text, buf_slice(&own), SKELETON, id);
    buf_release(&own);
    put_replaced(&named, buf_slice(&text), plain_name(arena, SKELETON), plain_name(arena, id));
    const char *path = arena_printf(arena, "%s/%s", folder, file->name);
    const char *slash = strrchr(path, '/');
    enum err e = folder_make(arena_str(arena, slice_of(path, (size_t)(slash - path))));
    if (!e)
        e = folder_write(path, buf_slice(&named), 0644);
    buf_release(&text);
    buf_release(&named);
    return e;
}

static bool id_is_valid(struct slice id)
{
    bool starts = true;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        bool letter = c >= 'a' && c <= 'z';
        if (starts ? !letter : !letter && !(c >= '0' && c <= '9') && c != '_' && c != '.')
            return false;
        starts = c == '.';
    }
    return id.len > 0 && id.len <= NAME_BYTES_MAX && !starts;
}

static int run_new(struct cli *cli)
{
    struct arena *arena = cli_arena(cli);
    const char *id = cli_arg(cli, 0), *why = NULL;
    const char *folder = arena_printf(arena, "%s/%s", cli_option(cli, "into", "."), id);
    struct pack pack;
    if (!id_is_valid(slice_str(id)))
        return cli_usage(cli,
                         "\"%s\" is no name of a plugin: small letters, digits and _, after a "
                         "company's prefix and a dot (acme.sales)",
                         id);
    if (folder_exists(folder))
        return cli_refuse(cli, "%s is already there", folder);
    if (pack_folder(arena, arena_printf(arena, "%s/schemas/skeleton", config_home(arena)), &pack,
                    &why))
        return cli_refuse(cli, "the skeleton cannot be read: %s", why);
    for (int i = 0; i < pack.count; i++) {
        enum err e = write_file(arena, folder, &pack.files[i], id);
        if (e)
            return cli_refuse(cli, "%s/%s: %s", folder, pack.files[i].name, err_text(e, LANG_EN));
    }
    if (cli_json(cli))
        printf("%s\n", print_json(arena, "id", id, "folder", folder, NULL));
    else
        printf("%s: %d files. Next: perigee plugin test %s\n", folder, pack.count, folder);
    if (!cli_json(cli) && slice_find(slice_str(id), SLICE(".")) < 0)
        printf(
            "A company's own bundle is called acme.%s: one without a company's prefix belongs to "
            "the product (plugins/%s) and cannot be deployed.\n",
            id, id);
    return CLI_OK;
}

/* --- check --------------------------------------------------------------------------------------
 */

struct checking {
    int found;
};

static void tell_finding(void *arg, const char *text)
{
    struct checking *checking = arg;
    checking->found++;
    printf("%s\n", text);
}

/* What the model left aside of this plugin without harm: a vanished anchor. */
static void tell_warnings(struct checking *checking, const struct model *model, const char *id)
{
    for (const struct model_warning *w = model->warnings; w; w = w->next) {
        struct slice text = slice_str(w->text);
        if (slice_is(slice_split(&text, '/'), id))
            tell_finding(checking, w->text);
    }
}

static const struct plugin *find_plugin(const struct model *model, const char *id)
{
    for (int i = 0; i < model->plugins_count; i++)
        if (strcmp(model->plugins[i]->id, id) == 0)
            return model->plugins[i];
    return NULL;
}

/* luacheck, where it is installed, adds what it knows of Lua: names that nothing uses and the like.
 * It is told the sandbox's names; lines of ours say the rest. */
static int run_luacheck(struct cli *cli, const char *folder)
{
    struct arena *arena = cli_arena(cli);
    const char *names = "crm";
    for (const char *const *one = sandbox_names(); *one; one++)
        if (!strchr(*one, '.'))
            names = arena_printf(arena, "%s %s", names, *one);
    const char *command = arena_printf(
        arena,
        "command -v luacheck >/dev/null || exit 0; cd \"$1\" && exec luacheck --formatter plain "
        "--no-config "
        "--no-color --codes --no-max-line-length --ignore 212 --exclude-files types --std none "
        "--read-globals %s require "
        "math string table utf8 coroutine -- .",
        names);
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/bin/sh", "sh", "-c", command, "luacheck", folder, (char *)NULL);
        _exit(127);
    }
    int how = 0;
    if (child < 0 || waitpid(child, &how, 0) != child)
        return 0;
    return WIFEXITED(how) && WEXITSTATUS(how) ? 1 : 0;
}

static int check_here(struct cli *cli, const char *folder, const char *tenant)
{
    struct arena *arena = cli_arena(cli);
    struct rig_spec spec = {.home = config_home(arena), .folder = folder};
    struct checking checking = {0};
    struct rig *rig;
    const char *why = NULL;
    if (tenant)
        spec.tenant = arena_printf(arena, "%s/tenants/%s", cli_data(cli), tenant);
    if (rig_new(arena, &spec, &rig, &why))
        return cli_refuse(cli, "%s", why);
    struct ctx *ctx = rig_ctx(rig);
    tell_warnings(&checking, ctx->model, rig_plugin(rig));
    enum err e = lint_plugin(ctx, ctx->model, find_plugin(ctx->model, rig_plugin(rig)),
                             tell_finding, &checking, &why);
    if (e)
        tell_finding(&checking, why);
    rig_free(rig);
    return checking.found ? CLI_REFUSED : CLI_OK;
}

/* Somebody's code is compiled and its top level run: a process of its own does that, with bounds
 * that no slip of ours could lift. */
static int check_apart(struct cli *cli, const char *folder, const char *tenant)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return cli_refuse(cli, "no process can be started");
    if (child == 0) {
        struct rlimit cpu = {CHECK_CPU_S_MAX, CHECK_CPU_S_MAX};
        (void)setrlimit(RLIMIT_CPU, &cpu);
#ifndef PERIGEE_SANITIZE
        struct rlimit room = {CHECK_BYTES_MAX, CHECK_BYTES_MAX};
        (void)setrlimit(RLIMIT_AS, &room);
#endif
        int status = check_here(cli, folder, tenant);
        (void)fflush(NULL);
        _exit(status);
    }
    int how = 0;
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return cli_refuse(cli, "the check was lost");
    if (WIFSIGNALED(how))
        return cli_refuse(cli, "%s: the check was stopped: its code used more than it may", folder);
    return WEXITSTATUS(how);
}

static bool is_plugin(struct cli *cli, const char *folder)
{
    return folder_exists(arena_printf(cli_arena(cli), "%s/plugin.json", folder));
}

int author_check(struct cli *cli, const char *folder, const char *tenant)
{
    author_quiet();
    if (!is_plugin(cli, folder))
        return cli_refuse(cli, "%s has no plugin.json", folder);
    int status = check_apart(cli, folder, tenant);
    if (run_luacheck(cli, folder) && status == CLI_OK)
        status = CLI_REFUSED;
    if (status == CLI_OK && !cli_json(cli))
        printf("%s: nothing found\n", folder);
    return status;
}

static int run_check(struct cli *cli)
{
    return author_check(cli, cli_arg(cli, 0), cli_arg(cli, 1));
}

/* --- test ---------------------------------------------------------------------------------------
 */

struct report {
    const char *plugin;
    struct buf junit;
    int count, failed;
};

static void put_xml(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<')
            buf_put_str(out, "&lt;");
        else if (c == '&')
            buf_put_str(out, "&amp;");
        else if (c == '"')
            buf_put_str(out, "&quot;");
        else if (c >= ' ' || c == '\n')
            buf_put_char(out, *text);
    }
}

/* One line of TAP; what went wrong follows as a note of its own lines. */
static void tell(void *arg, const char *file, const char *name, const char *why, int64_t took_us)
{
    struct report *report = arg;
    report->count++;
    report->failed += why != NULL;
    printf("%s %d - %s/%s: %s\n", why ? "not ok" : "ok", report->count, report->plugin, file, name);
    struct slice rest = slice_str(why ? why : "");
    while (rest.len) {
        struct slice line = slice_split(&rest, '\n');
        printf("  # " SLICE_FMT "\n", SLICE_ARG(line));
    }
    struct buf *junit = &report->junit;
    buf_put_str(junit, "  <testcase classname=\"");
    put_xml(junit, report->plugin);
    buf_put_char(junit, '/');
    put_xml(junit, file);
    buf_put_str(junit, "\" name=\"");
    put_xml(junit, name);
    buf_printf(junit, "\" time=\"%lld.%06lld\"", (long long)(took_us / 1000000),
               (long long)(took_us % 1000000));
    if (why) {
        buf_put_str(junit, "><failure>");
        put_xml(junit, why);
        buf_put_str(junit, "</failure></testcase>\n");
    } else {
        buf_put_str(junit, "/>\n");
    }
}

static int write_junit(struct cli *cli, const struct report *report, const char *path)
{
    struct buf out = BUF_INIT;
    buf_put_str(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"");
    put_xml(&out, report->plugin);
    buf_printf(&out, "\" tests=\"%d\" failures=\"%d\">\n", report->count, report->failed);
    buf_put_slice(&out, buf_slice(&report->junit));
    buf_put_str(&out, "</testsuite>\n");
    (void)unlink(path);
    enum err e = folder_write(path, buf_slice(&out), 0644);
    buf_release(&out);
    return e ? cli_refuse(cli, "%s: %s", path, err_text(e, LANG_EN)) : CLI_OK;
}

void author_quiet(void)
{
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, "command");
}

int author_test(struct cli *cli, const char *folder, const char *junit)
{
    struct arena *arena = cli_arena(cli);
    struct rig_spec spec = {.home = config_home(arena), .folder = folder};
    struct report report = {0};
    struct rig *rig;
    const char *why = NULL;
    author_quiet();
    if (!is_plugin(cli, folder))
        return cli_refuse(cli, "%s has no plugin.json", folder);
    if (rig_new(arena, &spec, &rig, &why))
        return cli_refuse(cli, "%s", why);
    report.plugin = rig_plugin(rig);
    enum err e = rig_test(rig, &(struct rig_watcher){.ended = tell, .arg = &report}, &why);
    rig_free(rig);
    printf(report.count ? "1..%d\n" : "1..%d # there are no tests in tests/*_test.lua\n",
           report.count);
    int status = report.failed ? CLI_REFUSED : CLI_OK;
    if (e)
        status = cli_refuse(cli, "%s", why);
    else if (junit)
        status = write_junit(cli, &report, junit) ? CLI_REFUSED : status;
    buf_release(&report.junit);
    return status;
}

static int run_test(struct cli *cli)
{
    return author_test(cli, cli_arg(cli, 0), cli_option(cli, "junit", NULL));
}

static const struct cli_option NEW_OPTIONS[] = {
    {"into", "DIR", "where to make its folder (default: here)", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option TEST_OPTIONS[] = {
    {"junit", "FILE", "write the results as JUnit, too", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_AUTHOR[] = {
    {"plugin new", "ID", "begin a plugin: a folder that works, with its test", 1, 1, NEW_OPTIONS,
     run_new},
    {"plugin check", "FOLDER [TENANT]", "find slips before anything runs", 1, 2, NULL, run_check},
    {"plugin test", "FOLDER", "run a plugin's tests in throw-away tenants, as TAP", 1, 1,
     TEST_OPTIONS, run_test},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
