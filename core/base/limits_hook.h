/* limits_hook - bounds of hooks, jobs, and of what plugins register.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* Hooks and scripts (plugin-api.md section 4). */
#define HOOK_DEPTH_MAX          8   /* nested writes */
#define HOOK_WRITES_MAX         500 /* nested writes of one unit of work */
#define EMIT_DEPTH_MAX          16  /* events that set off each other */
#define BATCH_EVENTS_MAX        200 /* given at once to a handler with batch = true */
#define ONCE_KEY_BYTES_MAX      200
#define HOOKSTATS_MAX           4096 /* handlers of all tenants whose calls are counted */
#define HOOKSTAT_NAME_BYTES_MAX 200
#define ONCE_KEEP_MS            (90LL * 24 * 3600 * 1000) /* behind a delivery's last try */
#define HANDLERS_PER_EVENT_MAX  200
#define REFERRERS_MAX           2000 /* records that deleting one may change or delete besides */
#define DELETE_BATCH_MAX        5000 /* records restored together */

/* Jobs, and what registers them. */
#define SCHEDULES_MAX       500      /* jobs that the plugins of one tenant register */
#define SCHEDULE_FIRE_MAX   100      /* due times turned into jobs in one transaction */
#define SCHEDULE_LATE_MS    60000    /* "none": a time missed by more is left out */
#define JOB_CONCURRENCY_MAX 8        /* runs of one plugin's job at the same time */
#define JOB_RETRIES_MAX     10       /* of one plugin's job */
#define JOB_DELAY_S_MAX     31536000 /* a job is put off by a year at most */
#define JOB_WALKS_MAX       16       /* job:each calls in one function */
#define JOB_BATCH           200      /* records of job:each in one transaction, unless asked */
#define JOB_BATCH_MAX       500      /* otherwise; a lent turn ends sooner when it takes long */
#define JOB_EVERY_S_MIN     10       /* shortest interval of a plugin's job */
#define JOB_WAITING_MAX     10000    /* runs of one plugin's job that wait: scripts get no more */
#define JOB_ARGS_BYTES_MAX  65536    /* what a job is pushed with, or keeps as its cursor */
#define CRON_BYTES_MAX      256      /* text of a schedule */

/* Routes of plugins. */
#define ENDPOINTS_MAX          200       /* routes that the plugins of one tenant register */
#define ENDPOINT_SEGMENTS_MAX  8         /* of a route's path behind the plugin's name */
#define ENDPOINT_PARAMS_MAX    6         /* captures of such a path */
#define ENDPOINT_FIELDS_MAX    50        /* declared members of a body, or of a query */
#define ENDPOINT_ROLES_MAX     16        /* one of which a route asks for */
#define ENDPOINT_RATE_MAX      10000     /* calls in the period that a route names */
#define ENDPOINT_DECIMAL_SCALE 6         /* fraction digits of a "decimal" */
#define ENDPOINT_ANSWER_MAX    (1 << 20) /* bytes of an answer */
#define ENDPOINT_SIGNED_S      300       /* a signature is good for so long, and only once */

/* What plugins keep by key. */
#define KV_KEYS_MAX        10000 /* values that one plugin keeps by key */
#define KV_KEY_BYTES_MAX   200
#define KV_VALUE_BYTES_MAX 16384     /* as JSON */
#define KV_LIST_MAX        200       /* of them in one list */
#define KV_TTL_S_MAX       315360000 /* ten years */

/* Handlers and jobs that are paused by themselves. */
#define TRIP_KILLS_MAX      3      /* of one handler or job within the window: paused */
#define TRIP_ERRORS_MAX     20     /* errors in a row within the window: paused */
#define TRIP_WINDOW_MS      600000 /* ten minutes */
#define TRIP_NAME_BYTES_MAX 300    /* "hook:plugin:handler@entity" */
#define TRIP_WHY_BYTES_MAX  1000   /* of a reason that is kept */
#define TRIPS_LISTED_MAX    1000   /* paused handlers and jobs shown at once */

/* What one bundle of a company writes in a day (hook/pace.h). */
#define BUNDLE_RECORDS_PER_DAY 500000
#define BUNDLE_NOTICES_PER_DAY 50000

/* Notifications. */
#define NOTIFY_USERS_MAX  200  /* told by one call */
#define NOTIFY_TITLE_MAX  200  /* characters of the line that is shown */
#define NOTIFY_BODY_MAX   2000 /* characters of what stands below it */
#define NOTIFY_DIGEST_MAX 50   /* told of in one letter */
#define NOTIFY_KEEP_MS    (90LL * 24 * 3600 * 1000)
