/* server - init and serve.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
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

static int processes(struct cli *cli, const char *name, int *out)
{
    const char *value = cli_option(cli, name, NULL);
    if (!value)
        return CLI_OK;
    int64_t n;
    if (!slice_to_int(slice_str(value), &n) || n < 1 || n > SLOTS_PER_ROLE_MAX)
        return cli_usage(cli, "--%s takes a number from 1 to %d", name, SLOTS_PER_ROLE_MAX);
    *out = (int)n;
    return CLI_OK;
}

static int run_serve(struct cli *cli)
{
    struct config config;
    const char *why = NULL;
    if (config_load(cli_arena(cli), cli_data(cli), config_home(cli_arena(cli)), &config, &why))
        return cli_refuse(cli, "%s", why ? why : "the configuration cannot be read");
    config.listen = cli_option(cli, "listen", config.listen);
    config.tls_listen = cli_option(cli, "tls-listen", config.tls_listen);
    config.tls_cert = cli_option(cli, "cert", config.tls_cert);
    config.tls_key = cli_option(cli, "key", config.tls_key);
    config.operator_listen = cli_option(cli, "operator-listen", config.operator_listen);
    int status = processes(cli, "gateways", &config.gateways);
    if (!status)
        status = processes(cli, "workers", &config.workers);
    if (!status)
        status = processes(cli, "runners", &config.runners);
    if (status)
        return status;
    if (config.tls_listen && (!config.tls_cert || !config.tls_key))
        return cli_usage(cli, "--tls-listen needs --cert and --key");
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
