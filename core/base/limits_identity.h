/* limits_identity - bounds of accounts, and of what one user or one company may have.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* What one user and one company may have (api/quota.h); keys of perigee.json. */
#define JOBS_PER_USER       50 /* unfinished ones */
#define JOBS_PER_TENANT     1000
#define FILES_BYTES         (100LL << 30) /* attachments of one tenant */
#define KEYS_PER_USER       20            /* not revoked */
#define KEYS_PER_TENANT     200
#define SESSIONS_PER_USER   50              /* the oldest end */
#define BLOB_ORPHAN_KEEP_MS (3600LL * 1000) /* bytes that no row has named by then are removed */

/* Identity (security.md P10). */
#define SIGNIN_FAILS_ADDRESS    5  /* per account and address */
#define SIGNIN_FAILS_ACCOUNT    20 /* per account, all addresses */
#define SIGNIN_FAILS_ALL        20 /* per address, all accounts */
#define SIGNIN_LOCK_MS          (15 * 60 * 1000LL)
#define SESSION_IDLE_MS         (8 * 3600 * 1000LL)
#define SESSION_LIFE_MS         (24 * 3600 * 1000LL)
#define SESSION_SEEN_MS         60000              /* last_seen is stored at most so often */
#define KEY_LIMITED_MS          (3600 * 1000LL)    /* that one is limited is told so often */
#define SESSION_DENGBAO_IDLE_MS (30 * 60 * 1000LL) /* the stricter profile of a tenant */
#define SESSION_DENGBAO_LIFE_MS (12 * 3600 * 1000LL)
#define TOTP_STEP_MS            30000              /* RFC 6238: what every app takes */
#define TOTP_PENDING_MS         (10 * 60 * 1000LL) /* from the secret to its first code */
#define RESET_KEEP_MS           (10 * 60 * 1000LL) /* a link for a new password (ASVS 6.5.5) */
#define RESET_MAX               3                  /* links of one account in SIGNIN_LOCK_MS */
#define PASSWORD_AGE_MS         (90LL * 24 * 3600 * 1000) /* dengbao: then a new one */
#define PASSWORD_PAST_MAX       5 /* dengbao: that many may not come again */
#define UNMASK_REASON_BYTES_MAX 500
#define AUDIT_KEEP_MS           (180LL * 24 * 3600 * 1000) /* the law asks for six months */
#define VIEWS_PER_USER_MAX      500                        /* saved by one person */
#define VIEW_NAME_CHARS_MAX     80
#define ROLES_PER_TENANT_MAX    200        /* of a company's own */
#define HOSTS_PER_TENANT_MAX    32         /* names a company is reached by */
#define OWN_SETTINGS_BYTES_MAX  (16 << 10) /* favourites and the like of one person */
#define LOGIN_BYTES_MAX         128
#define PASSWORD_LIST_BYTES_MAX (4 << 20) /* a list of common passwords that is read */
#define PASSWORD_BYTES_MAX      512
#define PASSPHRASE_CHARS_MIN    12        /* around the keys of a tenant that travels */
#define PASSPHRASE_KIB_MAX      (1 << 20) /* of a wrapping that is read: more is hostile */
#define PASSPHRASE_PASSES_MAX   16
#define PASSWORD_CHARS_MIN      8
#define SIGNIN_PER_MINUTE       40 /* attempts of one address, right ones too */
#define SIGNIN_BURST_MINUTES    3  /* …of so many at once: an office begins its day */
#define RATE_PER_S              60 /* API rate per key, and per address before that */
#define RATE_BURST              120
#define SUBTREE_IDS_MAX         500
#define DEPARTMENT_DEPTH_MAX    20 /* levels below one another */
