/* routes - the table. A handler, where it runs, who may call it, what body it takes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/routes.h"

#include "api/handlers.h"

#define GW RUNS_GATEWAY
#define WK RUNS_WORKER
#define QL RUNS_QUICK
#define LL RUNS_LONG
#define CT RUNS_CONTROL

#define ANYONE      WHO_ANYONE, NULL
#define USER        WHO_USER, NULL
#define ADMIN(area) WHO_ADMIN, area
#define OPERATOR    WHO_OPERATOR, NULL

#define V1  "/api/v1"
#define REC V1 "/records/{entity}"

/* clang-format off */
static const struct route ROUTES[] = {
    /* the server itself */
    {HTTP_GET, "/healthz", GW, ANYONE, BODY_NONE, ROUTE_NO_TENANT, health_live, "Liveness"},
    {HTTP_GET, "/readyz", GW, ANYONE, BODY_NONE, ROUTE_NO_TENANT, health_ready, "Readiness"},
    {HTTP_GET, "/metrics", GW, ANYONE, BODY_NONE, ROUTE_NO_TENANT | ROUTE_OPERATOR_LISTEN,
     health_metrics, "Prometheus text"},
    {HTTP_GET, "/", GW, ANYONE, BODY_NONE, ROUTE_NO_TENANT | ROUTE_STATIC,
     console_file, "The web console"},
    {HTTP_GET, "/{path*}", GW, ANYONE, BODY_NONE, ROUTE_NO_TENANT | ROUTE_STATIC,
     console_file, "The web console's files"},

    /* identity */
    {HTTP_POST, V1 "/sessions", QL, ANYONE, BODY_JSON, ROUTE_SECRET,
     sessions_create, "Sign in"},
    {HTTP_GET, V1 "/sessions", GW, USER, BODY_NONE, 0, sessions_list, "My sessions"},
    {HTTP_DELETE, V1 "/sessions", WK, USER, BODY_NONE, 0, sessions_end_all, "End all my sessions"},
    {HTTP_GET, V1 "/sessions/current", GW, USER, BODY_NONE, 0, sessions_current, "This session"},
    {HTTP_DELETE, V1 "/sessions/current", WK, USER, BODY_NONE, 0, sessions_end_current, "Sign out"},
    {HTTP_GET, V1 "/me", GW, USER, BODY_NONE, 0, me_get, "Who I am"},
    {HTTP_PATCH, V1 "/me", WK, USER, BODY_JSON, 0, me_patch, "Change my profile"},
    {HTTP_POST, V1 "/me/password", QL, USER, BODY_JSON, ROUTE_SECRET,
     me_password, "Change my password"},

    /* the model */
    {HTTP_GET, V1 "/boot", GW, USER, BODY_NONE, 0,
     meta_get_boot, "Everything the console starts with"},
    {HTTP_GET, V1 "/i18n/{lang}/{file}", GW, ANYONE, BODY_NONE, 0,
     meta_get_texts, "Texts of one language"},
    {HTTP_GET, V1 "/meta", GW, USER, BODY_NONE, 0, meta_get_all, "The model as I may see it"},
    {HTTP_GET, V1 "/meta/{entity}", GW, USER, BODY_NONE, 0,
     meta_get_entity, "One entity of the model"},
    {HTTP_GET, V1 "/openapi.json", GW, USER, BODY_NONE, 0,
     meta_get_openapi, "OpenAPI document of this tenant"},

    /* records */
    {HTTP_GET, REC, GW, USER, BODY_NONE, 0, records_list, "List"},
    {HTTP_POST, REC, WK, USER, BODY_JSON, 0, records_create, "Create"},
    {HTTP_POST, REC "/query", GW, USER, BODY_JSON, 0,
     records_query, "List or aggregate with a body"},
    {HTTP_POST, REC "/board", GW, USER, BODY_JSON, 0, records_board, "Columns of a board"},
    {HTTP_POST, REC "/duplicates", QL, USER, BODY_JSON, 0,
     records_duplicates, "Candidates for a half-filled record"},
    {HTTP_POST, REC "/bulk", WK, USER, BODY_JSON, 0, records_bulk, "Many changes in one call"},
    {HTTP_GET, REC "/{id}", GW, USER, BODY_NONE, 0, records_get, "Read"},
    {HTTP_PATCH, REC "/{id}", WK, USER, BODY_JSON, 0, records_update, "Change"},
    {HTTP_DELETE, REC "/{id}", WK, USER, BODY_NONE, 0, records_delete, "Delete"},
    {HTTP_POST, REC "/{id}/restore", WK, USER, BODY_JSON, 0,
     records_restore, "Take back a deletion"},
    {HTTP_GET, REC "/{id}/timeline", GW, USER, BODY_NONE, 0,
     records_timeline, "Activities and changes"},
    {HTTP_GET, REC "/{id}/history", GW, USER, BODY_NONE, 0, records_history, "Field history"},
    {HTTP_GET, REC "/{id}/related/{relation}", GW, USER, BODY_NONE, 0,
     records_related, "Records that point here"},
    {HTTP_POST, REC "/{id}/actions/{action}", WK, USER, BODY_JSON, 0,
     records_action, "An operation of a module"},
    {HTTP_POST, V1 "/queries", GW, USER, BODY_JSON, 0,
     records_queries, "Several queries in one call"},
    {HTTP_GET, V1 "/search", GW, USER, BODY_NONE, 0, records_search, "Search across entities"},
    {HTTP_GET, V1 "/changes", GW, USER, BODY_NONE, 0, records_changes, "The ordered change feed"},
    {HTTP_GET, V1 "/events", GW, USER, BODY_NONE, 0,
     events_open, "Live events (text/event-stream)"},

    /* long work */
    {HTTP_POST, V1 "/imports", LL, USER, BODY_IMPORT, 0, imports_create, "Upload a file to import"},
    {HTTP_GET, V1 "/imports/{id}", GW, USER, BODY_NONE, 0,
     imports_get, "State and counts of an import"},
    {HTTP_PUT, V1 "/imports/{id}/mapping", LL, USER, BODY_JSON, 0,
     imports_mapping, "Set the mapping"},
    {HTTP_POST, V1 "/imports/{id}/dry-run", WK, USER, BODY_JSON, 0,
     imports_dry_run, "Try it without changing anything"},
    {HTTP_POST, V1 "/imports/{id}/run", WK, USER, BODY_JSON, 0, imports_run, "Run it"},
    {HTTP_GET, V1 "/imports/{id}/errors.csv", GW, USER, BODY_NONE, 0,
     imports_errors, "Rows that failed, with reasons"},
    {HTTP_POST, V1 "/imports/{id}/undo", WK, USER, BODY_JSON, 0, imports_undo, "Take it back"},
    {HTTP_POST, V1 "/exports", WK, USER, BODY_JSON, 0, exports_create, "Export a list"},
    {HTTP_GET, V1 "/jobs", GW, USER, BODY_NONE, 0, jobs_list, "My jobs"},
    {HTTP_GET, V1 "/jobs/{id}", GW, USER, BODY_NONE, 0, jobs_get, "One job"},
    {HTTP_DELETE, V1 "/jobs/{id}", WK, USER, BODY_NONE, 0, jobs_cancel, "Stop a job"},
    {HTTP_POST, V1 "/files", LL, USER, BODY_UPLOAD, 0, files_create, "Upload an attachment"},
    {HTTP_GET, V1 "/files/{id}", GW, USER, BODY_NONE, 0, files_get, "Download an attachment"},

    /* views */
    {HTTP_GET, V1 "/views", GW, USER, BODY_NONE, 0, views_list, "My own and shared views"},
    {HTTP_POST, V1 "/views", WK, USER, BODY_JSON, 0, views_create, "Save a view"},
    {HTTP_PATCH, V1 "/views/{id}", WK, USER, BODY_JSON, 0, views_update, "Change a view"},
    {HTTP_DELETE, V1 "/views/{id}", WK, USER, BODY_NONE, 0, views_delete, "Delete a view"},

    /* administration */
    {HTTP_GET, V1 "/admin/users", GW, ADMIN("users"), BODY_NONE, 0, users_list, "Users"},
    {HTTP_POST, V1 "/admin/users", QL, ADMIN("users"), BODY_JSON, 0, users_create, "Create a user"},
    {HTTP_GET, V1 "/admin/users/{id}", GW, ADMIN("users"), BODY_NONE, 0, users_get, "One user"},
    {HTTP_PATCH, V1 "/admin/users/{id}", WK, ADMIN("users"), BODY_JSON, 0,
     users_update, "Change a user"},
    {HTTP_POST, V1 "/admin/users/{id}/password", QL, ADMIN("users"), BODY_JSON, ROUTE_SECRET,
     users_password, "Set a user's password"},
    {HTTP_DELETE, V1 "/admin/users/{id}/sessions", WK, ADMIN("users"), BODY_NONE, 0,
     users_sessions_end, "End a user's sessions"},
    {HTTP_GET, V1 "/admin/roles", GW, ADMIN("roles"), BODY_NONE, 0, roles_list, "Roles"},
    {HTTP_GET, V1 "/admin/roles/{name}", GW, ADMIN("roles"), BODY_NONE, 0, roles_get, "One role"},
    {HTTP_PUT, V1 "/admin/roles/{name}", WK, ADMIN("roles"), BODY_JSON, 0,
     roles_put, "Make or change a role"},
    {HTTP_DELETE, V1 "/admin/roles/{name}", WK, ADMIN("roles"), BODY_NONE, 0,
     roles_delete, "Delete a role"},
    {HTTP_GET, V1 "/admin/departments", GW, ADMIN("users"), BODY_NONE, 0,
     departments_list, "Departments"},
    {HTTP_POST, V1 "/admin/departments", WK, ADMIN("users"), BODY_JSON, 0,
     departments_create, "Create a department"},
    {HTTP_PATCH, V1 "/admin/departments/{id}", WK, ADMIN("users"), BODY_JSON, 0,
     departments_update, "Change a department"},
    {HTTP_DELETE, V1 "/admin/departments/{id}", WK, ADMIN("users"), BODY_NONE, 0,
     departments_delete, "Delete a department"},
    {HTTP_GET, V1 "/admin/plugins", GW, ADMIN("plugins"), BODY_NONE, 0, plugins_list, "Plugins"},
    {HTTP_POST, V1 "/admin/plugins/{id}/enable", LL, ADMIN("plugins"), BODY_JSON, 0,
     plugins_enable, "Enable a plugin"},
    {HTTP_POST, V1 "/admin/plugins/{id}/disable", LL, ADMIN("plugins"), BODY_JSON, 0,
     plugins_disable, "Disable a plugin"},
    {HTTP_GET, V1 "/admin/plugins/{id}/deploys", GW, ADMIN("plugins"), BODY_NONE, 0,
     deploys_list, "What was active of a bundle, and when"},
    {HTTP_POST, V1 "/admin/plugins/{id}/deploys", LL, ADMIN("plugins"), BODY_UPLOAD, 0,
     deploys_create, "Deploy a bundle of the company, or only check it"},
    {HTTP_POST, V1 "/admin/plugins/{id}/rollback", LL, ADMIN("plugins"), BODY_JSON, 0,
     deploys_rollback, "Go back to an earlier deploy"},
    {HTTP_GET, V1 "/admin/customization", GW, ADMIN("fields"), BODY_NONE, 0,
     custom_get, "What is customized without code, and my draft of it"},
    {HTTP_PUT, V1 "/admin/customization/draft", WK, ADMIN("fields"), BODY_JSON, 0,
     custom_draft_put, "Keep my draft"},
    {HTTP_DELETE, V1 "/admin/customization/draft", WK, ADMIN("fields"), BODY_NONE, 0,
     custom_draft_delete, "Throw my draft away"},
    {HTTP_GET, V1 "/admin/customization/diff", GW, ADMIN("fields"), BODY_NONE, 0,
     custom_diff, "What my draft would change"},
    {HTTP_POST, V1 "/admin/customization/validate", QL, ADMIN("fields"), BODY_JSON, 0,
     custom_validate, "Would my draft fit?"},
    {HTTP_POST, V1 "/admin/customization/publish", LL, ADMIN("fields"), BODY_JSON, 0,
     custom_publish, "Make my draft active"},
    {HTTP_GET, V1 "/admin/customization/history", GW, ADMIN("fields"), BODY_NONE, 0,
     custom_history, "What was published, and when"},
    {HTTP_POST, V1 "/admin/customization/rollback", LL, ADMIN("fields"), BODY_JSON, 0,
     custom_rollback, "Go back to what was published before"},
    {HTTP_POST, V1 "/admin/plugins/{id}/release", WK, ADMIN("plugins"), BODY_JSON, 0,
     plugins_release, "Let code run again that was set aside"},
    {HTTP_GET, V1 "/admin/plugins/{id}/config", GW, ADMIN("plugins"), BODY_NONE, 0,
     plugins_config_get, "A plugin's settings"},
    {HTTP_PUT, V1 "/admin/plugins/{id}/config", WK, ADMIN("plugins"), BODY_JSON, 0,
     plugins_config_put, "Change a plugin's settings"},
    {HTTP_GET, V1 "/admin/api-keys", GW, ADMIN("api-keys"), BODY_NONE, 0, apikeys_list, "API keys"},
    {HTTP_POST, V1 "/admin/api-keys", WK, ADMIN("api-keys"), BODY_JSON, ROUTE_SECRET,
     apikeys_create, "Make an API key"},
    {HTTP_DELETE, V1 "/admin/api-keys/{id}", WK, ADMIN("api-keys"), BODY_NONE, 0,
     apikeys_revoke, "Revoke an API key"},
    {HTTP_GET, V1 "/admin/audit", GW, ADMIN("audit"), BODY_NONE, 0, audit_list, "The audit log"},
    {HTTP_GET, V1 "/admin/settings", GW, ADMIN("settings"), BODY_NONE, 0,
     settings_get, "Settings of the company"},
    {HTTP_PATCH, V1 "/admin/settings", WK, ADMIN("settings"), BODY_JSON, 0,
     settings_patch, "Change settings"},
    {HTTP_GET, V1 "/admin/mail", GW, ADMIN("settings"), BODY_NONE, 0,
     mail_settings_get, "The mail server"},
    {HTTP_PUT, V1 "/admin/mail", WK, ADMIN("settings"), BODY_JSON, ROUTE_SECRET,
     mail_settings_put, "Set up the mail server"},
    {HTTP_POST, V1 "/admin/mail/test", LL, ADMIN("settings"), BODY_JSON, 0,
     mail_test, "Send a letter on trial"},
    {HTTP_GET, V1 "/admin/mail/letters", GW, ADMIN("settings"), BODY_NONE, 0,
     mail_log, "Letters sent and waiting"},
    {HTTP_POST, V1 "/admin/mail/letters/{id}/again", WK, ADMIN("settings"), BODY_JSON, 0,
     mail_again, "Send a failed letter again"},
    {HTTP_GET, V1 "/admin/dictionaries", GW, ADMIN("dictionaries"), BODY_NONE, 0,
     dictionaries_list, "Dictionaries"},
    {HTTP_GET, V1 "/admin/dictionaries/{name}", GW, ADMIN("dictionaries"), BODY_NONE, 0,
     dictionaries_get, "One dictionary"},
    {HTTP_PUT, V1 "/admin/dictionaries/{name}", WK, ADMIN("dictionaries"), BODY_JSON, 0,
     dictionaries_put, "Change a dictionary"},

    /* the operator, over data/operator.sock or with the folder lock */
    {HTTP_GET, V1 "/operator/tenants", CT, OPERATOR, BODY_NONE, ROUTE_NO_TENANT,
     operator_tenants_list, "Tenants"},
    {HTTP_POST, V1 "/operator/tenants", CT, OPERATOR, BODY_JSON, ROUTE_NO_TENANT,
     operator_tenants_create, "Create a tenant"},
    {HTTP_GET, V1 "/operator/tenants/{name}", CT, OPERATOR, BODY_NONE, ROUTE_NO_TENANT,
     operator_tenants_get, "One tenant"},
    {HTTP_PATCH, V1 "/operator/tenants/{name}", CT, OPERATOR, BODY_JSON, ROUTE_NO_TENANT,
     operator_tenants_state, "Suspend or resume a tenant"},
    {HTTP_DELETE, V1 "/operator/tenants/{name}", CT, OPERATOR, BODY_NONE, ROUTE_NO_TENANT,
     operator_tenants_delete, "Delete a tenant"},
    {HTTP_POST, V1 "/operator/backup", LL, OPERATOR, BODY_JSON, 0,
     operator_backup, "Back up a tenant"},
    {HTTP_POST, V1 "/operator/restore", CT, OPERATOR, BODY_JSON, ROUTE_NO_TENANT,
     operator_restore, "Restore a tenant"},
    {HTTP_POST, V1 "/operator/check", LL, OPERATOR, BODY_JSON, 0,
     operator_check, "Verify a tenant"},
    {HTTP_POST, V1 "/operator/upgrade", LL, OPERATOR, BODY_JSON, 0,
     operator_upgrade, "Run what a new release has to migrate"},
};
/* clang-format on */

const struct route *routes_all(int *count)
{
    *count = (int)(sizeof(ROUTES) / sizeof(ROUTES[0]));
    return ROUTES;
}
{HTTP_POST,
 V1 "/operator/tenants/{name}/move",
 CT,
 OPERATOR,
 BODY_JSON,
 ROUTE_NO_TENANT,
 operator_tenants_move,
 "Move a tenant to another worker"},
