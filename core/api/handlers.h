/* handlers - the functions behind the route table, by the file that holds them.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "api/handlers_operator.h"

/* health.c */
enum err health_live(struct call *call);
enum err health_ready(struct call *call);
enum err health_metrics(struct call *call);
enum err console_file(struct call *call);

/* sessions.c; users_…: those of somebody else */
enum err sessions_create(struct call *call);
enum err sessions_current(struct call *call);
enum err sessions_list(struct call *call);
enum err sessions_end_current(struct call *call);
enum err sessions_end_all(struct call *call);
enum err sessions_end_one(struct call *call);
enum err users_sessions_list(struct call *call);
enum err users_sessions_end(struct call *call);
enum err users_sessions_end_one(struct call *call);

/* me.c */
enum err me_get(struct call *call);
enum err me_patch(struct call *call);
enum err me_password(struct call *call);

/* mfa.c */
enum err me_mfa(struct call *call);
enum err users_mfa_reset(struct call *call);

/* resets.c */
enum err resets_create(struct call *call);
enum err resets_use(struct call *call);
enum err users_reset_link(struct call *call);

/* meta.c */
enum err meta_get_boot(struct call *call);
enum err meta_get_all(struct call *call);
enum err meta_get_entity(struct call *call);
enum err meta_get_texts(struct call *call);
enum err meta_get_openapi(struct call *call);
/* own.c */
enum err own_get(struct call *call);
enum err own_put(struct call *call);
/* extras.c */
enum err extras_list(struct call *call);
enum err extras_help(struct call *call);

/* records.c, unmask.c */
enum err records_list(struct call *call);
enum err records_query(struct call *call);
enum err records_board(struct call *call);
enum err records_get(struct call *call);
enum err records_create(struct call *call);
enum err records_update(struct call *call);
enum err records_delete(struct call *call);
enum err records_restore(struct call *call);
enum err records_duplicates(struct call *call);
enum err records_timeline(struct call *call);
enum err records_history(struct call *call);
enum err records_related(struct call *call);
enum err records_action(struct call *call);
enum err records_unmask(struct call *call);
enum err records_search(struct call *call);
enum err records_queries(struct call *call);
enum err records_changes(struct call *call);

/* events.c */
enum err events_open(struct call *call);

/* imports.c */
enum err imports_create(struct call *call);
enum err imports_mapping(struct call *call);
enum err imports_dry_run(struct call *call);
enum err imports_run(struct call *call);
enum err imports_get(struct call *call);
enum err imports_errors(struct call *call);
enum err imports_undo(struct call *call);

/* bulk.c, jobs.c */
enum err records_bulk(struct call *call);
enum err bulk_undo(struct call *call);
enum err jobs_list(struct call *call);
enum err jobs_get(struct call *call);
enum err jobs_cancel(struct call *call);
enum err exports_create(struct call *call);

/* plugin_routes.c */
enum err plugin_routes_run(struct call *call);

/* schedules.c: the jobs that plugins offer */
enum err schedules_list(struct call *call);
enum err schedules_run(struct call *call);
enum err schedules_pause(struct call *call);
enum err schedules_resume(struct call *call);

/* files.c */
enum err files_create(struct call *call);
enum err files_get(struct call *call);

/* views.c */
enum err views_list(struct call *call);
enum err views_create(struct call *call);
enum err views_update(struct call *call);
enum err views_delete(struct call *call);

/* users.c */
enum err users_list(struct call *call);
enum err users_get(struct call *call);
enum err users_create(struct call *call);
enum err users_update(struct call *call);
enum err users_password(struct call *call);

/* roles.c: tenant-made roles beside the plugins' */
enum err roles_list(struct call *call);
enum err roles_get(struct call *call);
enum err roles_put(struct call *call);
enum err roles_delete(struct call *call);

/* departments.c: departments and teams are records; these are their administration */
enum err departments_list(struct call *call);
enum err departments_create(struct call *call);
enum err departments_update(struct call *call);
enum err departments_delete(struct call *call);

/* plugins.c */
enum err plugins_list(struct call *call);
enum err plugins_enable(struct call *call);
enum err plugins_disable(struct call *call);
/* quarantine.c */
enum err plugins_release(struct call *call);
/* deploys.c: the company's own bundles */
enum err deploys_create(struct call *call);
enum err deploys_list(struct call *call);
enum err deploys_rollback(struct call *call);
/* custom.c: what administrators make without code */
enum err custom_get(struct call *call);
enum err custom_templates(struct call *call); /* custom_template.c */
enum err custom_draft_put(struct call *call);
enum err custom_draft_delete(struct call *call);
enum err custom_diff(struct call *call);
enum err custom_entity(struct call *call);
enum err custom_views(struct call *call);
enum err custom_validate(struct call *call);
enum err custom_publish(struct call *call);
enum err custom_history(struct call *call);
enum err custom_rollback(struct call *call);
/* pluginconfig.c */
enum err plugins_config_get(struct call *call);
enum err plugins_config_put(struct call *call);

/* outbox.c: deliveries behind the commit */
enum err outbox_list(struct call *call);
enum err outbox_paused(struct call *call);
enum err outbox_replay_one(struct call *call);
enum err outbox_replay_all(struct call *call);
enum err outbox_discard_one(struct call *call);
enum err outbox_discard_all(struct call *call);
enum err outbox_pause(struct call *call);
enum err outbox_resume(struct call *call);
/* hooks.c: which function runs when, and how it fares */
enum err hooks_list(struct call *call);
enum err plugins_health(struct call *call);

/* apikeys.c */
enum err apikeys_list(struct call *call);
enum err apikeys_create(struct call *call);
enum err apikeys_revoke(struct call *call);
/* audit.c */
enum err audit_list(struct call *call);
enum err audit_changes(struct call *call);
/* privacy.c: what is held about a person */
enum err privacy_erase(struct call *call);
enum err privacy_export(struct call *call);
/* settings.c: of the company */
enum err settings_get(struct call *call);
enum err settings_patch(struct call *call);

/* mail.c: the company's mail server, what was sent through it */
enum err mail_settings_get(struct call *call);
enum err mail_settings_put(struct call *call);
enum err mail_test(struct call *call);
enum err mail_log(struct call *call);
enum err mail_again(struct call *call);

/* mailbox.c: letters that come in */
enum err mailbox_list(struct call *call);
enum err mailbox_put(struct call *call);
enum err mailbox_delete(struct call *call);
enum err mailbox_look(struct call *call);

/* dictionaries.c */
enum err dictionaries_list(struct call *call);
enum err dictionaries_get(struct call *call);
enum err dictionaries_put(struct call *call);
