/* server - init and serve.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/app.h"
#include "cli/cli.h"
#include "process/supervisor.h"
#include "tenant/control.h"

static int run_init(struct cli *cli)
{
    const char *why = NULL;
    if (control_init(cli_data(cli), &why))
        return cli_refuse(cli, "%s", why ? why : "the data folder cannot be made");
    printf("%s is ready. Next: perigee tenant create NAME --host HOST\n", cli_data(cli));
    return CLI_OK;
}

/* A flag and the configuration key it overrides. */
static const struct {
    const char *option, *key;
    bool is_file;
} SERVE_KEYS[] = {
    {"listen", "listen", false},
    {"tls-listen", "tls_listen", false},
    {"cert", "tls_cert", true},
    {"key", "tls_key", true},
    {"operator-listen", "operator_listen", false},
    {"gateways", "gateways", false},
    {"workers", "workers", false},
    {"runners", "runners", false},
};

static int run_serve(struct cli *cli)
{
    struct arena *arena = cli_arena(cli);
    struct config config;
    const char *why = NULL;
    if (config_load(arena, cli_data(cli), config_home(arena), &config, &why))
        return cli_refuse(cli, "%s", why ? why : "the configuration cannot be read");
    for (size_t i = 0; i < sizeof(SERVE_KEYS) / sizeof(SERVE_KEYS[0]); i++) {
        const char *value = cli_option(cli, SERVE_KEYS[i].option, NULL);
        if (value && SERVE_KEYS[i].is_file)
            value = cli_path(cli, value);
        if (value && config_set(arena, &config, SERVE_KEYS[i].key, value, &why))
            return cli_usage(cli, "--%s: %s", SERVE_KEYS[i].option, why);
    }
    if (app_config_check(arena, &config, &why))
        return cli_usage(cli, "%s", why);
    return supervisor_run(&config);
}

static const struct cli_option SERVE_OPTIONS[] = {
    {"listen", "ADDR:PORT", "serve HTTP there; port 0 lets the system choose", false},
    {"tls-listen", "ADDR:PORT", "serve HTTPS there", false},
    {"cert", "FILE", "certificate chain in PEM", false},
    {"key", "FILE", "private key in PEM", false},
    {"operator-listen", "ADDR:PORT", "honour X-Perigee-Tenant and serve /metrics there", false},
    {"gateways", "N", "processes that answer clients (default: one per core)", false},
    {"workers", "N", "processes that own tenants and write (default 4)", false},
    {"runners", "N", "processes for what may wait (default 3)", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_SERVER[] = {
    {"init", "", "create the data folder", 0, 0, NULL, run_init},
    {"serve", "", "run the server in the foreground", 0, 0, SERVE_OPTIONS, run_serve},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
