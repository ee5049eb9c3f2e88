/* system - the tables every tenant has whatever its plugins are.
 *
 * Described as data for store_schema_apply; the nouns that own them use the names below. User,
 * department and team are also entities of the `core` plugin (fixed columns), so they can be
 * listed, referenced and expanded like any record. `(n)` marks an entity or field by its registry
 * number, elsewhere it stands by name.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/store.h"

/* A tenant's store:
 *
 *   user        the record columns of data.md (id version created_at updated_at created_by
 *               updated_by owner team department deleted_at delete_batch origin), login(folded)
 *               name name_s email phone locale timezone manager roles(JSON) active password
 *               password_at mfa settings(JSON) notify_mail(none, each, daily)
 *   department  record columns, name name_s parent path(/id/id/) head
 *   team        record columns, name name_s lead
 *   session     id user hash(blob, unique) csrf created_at seen_at expires_at address agent mfa_at
 *   api_key     id user name hash(blob, unique) prefix scopes(JSON) addresses(JSON) expires_at
 *               seen_at created_at revoked_at calls refused limited limited_at
 *   role        name(key) body(JSON) updated_at: tenant-made or overriding roles
 *   signin_fail key(key) count until first_at
 *   vault_key   id class kind(data, index) version state(active, retired) vault(blob)
 *               wrapped(blob) created_at retired_at: keys under the master key (auth/vault)
 *   password_past   id user encoded at: hashes that may not come again yet
 *   password_reset  id user hash(blob, unique) expires_at: links that were sent
 *   setting     name(key) value(JSON) updated_at
 *   plugin      id(key text) state version config(JSON) updated_at
 *   deploy      id plugin hash version at actor action(deploy, rollback, publish) bytes files
 *               before(hash that was active until then): what was made active when
 *   draft       actor(key, user; 0 = the operator) body(JSON) base(hash it began with) version
 *               updated_at: customization that is not published yet
 *   migration   plugin,no(key) name version state(running, done) done(rows) cursor at
 *   entity_reg  id(n) plugin name
 *   field_reg   id(n) plugin entity no name
 *   change      seq(key) at actor entity(n) record version op diff(JSON by n) source batch;
 *               append-only
 *   audit       seq(key) at actor action entity record address detail(JSON) hash(blob);
 *               append-only
 *   visit       id entity(n) record field(n) value entered_at left_at actor: state flow visits
 *   idem        actor,key(key) route body_hash(blob) status answer at rights_version
 *   dictionary  dict,value(key) parent label(JSON) sort active
 *   file        id hash(hex) name type bytes created_at created_by entity record
 *   import      id entity file mapping(JSON) options(JSON) state counts(JSON) cursor created_by
 *               created_at
 *   import_item import,line(key) op record reason before(JSON)
 *   job         id queue stream run_at tries owner dedupe state body(JSON) result(JSON) progress
 *               created_at created_by finished_at. `dedupe` is unique; whoever ends a job empties
 *               it, so it holds only while the job is queued or leased
 *   view        id entity kind name scope owner body(JSON) version updated_at
 *   schedule    plugin,name(key) spec next_at last_at last_job last_state last_error: jobs that run
 *               by the clock; next_at empty = not scheduled
 *   trip        name(key) errors errors_at kills kills_at paused_at paused_by(empty: the wire) why:
 *               what failed again and again
 *   kv          plugin,key(key) value(JSON) expires_at
 *   redirect    entity(n),loser(key) winner at
 *
 * control.db:
 *
 *   tenant      id name title locale timezone currency state parked_why worker created_at
 *   host        host(key) tenant
 *   operator    id login name password created_at
 */

/* Layout number of these tables; a store with a higher one belongs to a newer program. */
#define SYSTEM_VERSION 1

/* The tables, ready to be joined with those of the model into one schema. */
const struct store_table *system_tables(int *count);
/* Tables of control.db. */
const struct store_table *system_control_tables(int *count);
/* The hash of any set of tables, for struct store_schema: equal tables, equal hash, everywhere. */
uint64_t system_hash(const struct store_table *tables, int count);
