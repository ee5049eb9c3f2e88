/* limits_script - what plugins' code may use; part of limits.h, kept apart by its length.
 *
 * The numbers are those of plugin-api.md section 4. script/limit.h gives the ones that hold for a
 * call; a tenant's setting "limits" may lower them.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#define VM_BYTES_MAX            (16 << 20)
#define SCRIPT_STRING_BYTES_MAX (8 << 20) /* string.rep, concat, format, gsub results */
#define SCRIPT_RANGE_MAX        1000000   /* items that a function of `table` walks over in C */
#define SCRIPT_STEPS_MAX        1000000   /* of one match of a pattern */
#define SCRIPT_RESUMES_MAX      16        /* coroutines that wait for one another */
#define SCRIPT_LATE_KILL_MS     2000 /* and so long: its process is killed, its code set aside */
#define SCRIPT_ARENA_BYTES_MAX                                                                     \
    (64 << 20)                            /* of the core's memory for one unit: rows, JSON, texts  \
                                           */
#define SCRIPT_KEPT_BYTES_MAX  (32 << 20) /* likewise for as long as a VM: what plugins register */
#define SCRIPT_LOGS_MAX        200        /* lines one unit logs; more are left out */
#define SCRIPT_ERROR_BYTES_MAX 1000       /* of an error's text that is told and logged */
#define SCRIPT_VMS_BYTES_MAX   (64 << 20) /* of one process: the VMs used longest ago go first */
#define SCRIPT_CODE_BYTES_MAX  (32 << 20) /* compiled files kept by one process */

/* In a transaction: one handler, and all handlers of one unit. Its writes are HOOK_WRITES_MAX. */
#define SCRIPT_CPU_US_MAX      50000
#define SCRIPT_UNIT_CPU_US_MAX 250000
#define SCRIPT_HEAP_BYTES_MAX  (4 << 20) /* above what the tenant's VM held before */
#define SCRIPT_READS_MAX       200
#define SCRIPT_ROWS_MAX        5000

/* What is killed inside writes and routes rests (script/fuse.h). */
#define FUSE_KILLS        3     /* of one function: from then on */
#define FUSE_PLUGIN_KILLS 100   /* of all functions of one plugin */
#define FUSE_CALLS        8     /* calls that went well make up for a kill */
#define FUSE_REST_MS      1000  /* the first time; then twice as long each time */
#define FUSE_REST_MS_MAX  60000 /* and never longer */
#define FUSES_MAX         128   /* known to one process; those that did least are forgotten */

/* A route of a plugin. */
#define SCRIPT_ROUTE_CPU_US_MAX     200000
#define SCRIPT_ROUTE_WALL_US_MAX    10000000
#define SCRIPT_ROUTE_HEAP_BYTES_MAX (8 << 20)
#define SCRIPT_ROUTE_WRITES_MAX     200
#define SCRIPT_ROUTE_HTTP_MAX       5

/* after_commit, and one step of a job. */
#define SCRIPT_JOB_CPU_US_MAX     2000000
#define SCRIPT_JOB_WALL_US_MAX    60000000
#define SCRIPT_JOB_HEAP_BYTES_MAX (16 << 20)
#define SCRIPT_JOB_READS_MAX      2000
#define SCRIPT_JOB_WRITES_MAX     2000
#define SCRIPT_JOB_ROWS_MAX       50000
#define SCRIPT_JOB_HTTP_MAX       20

/* Invariants of plugins (script/check.h): each record has the limits of a job. */
#define CHECKS_MAX  256 /* of all plugins of a tenant */
#define CHECK_BATCH 200 /* records of one snapshot */

/* init.lua and the modules it asks for, of one plugin. */
#define SCRIPT_LOAD_CPU_US_MAX     200000
#define SCRIPT_LOAD_WALL_US_MAX    2000000
#define SCRIPT_LOAD_HEAP_BYTES_MAX (8 << 20)

/* Tests of plugins (script/trial.h). */
#define TRIAL_CASES_MAX       500   /* in one file */
#define TRIAL_STEPS_MAX       10000 /* of t.run_outbox */
#define LINT_ENTITIES_MAX     32    /* that one function is bound to */
#define LINT_ALIASES_MAX      500   /* names for records in one file */
#define EVAL_DEPTH_MAX        6     /* tables in tables that `perigee repl` shows */
#define TRIAL_EQUAL_DEPTH_MAX 16    /* tables in tables that t.eq looks into */

/* Codes of one company that had to be stopped with their process: then no other is deployed. */
#define QUARANTINES_MAX       5
#define QUARANTINES_WINDOW_MS (24LL * 3600 * 1000)

/* The process in which a bundle's own tests run before it is switched to. */
#define BUNDLE_TESTS_WALL_MS    60000
#define BUNDLE_TESTS_CPU_S      10
#define BUNDLE_TESTS_BYTES      (1LL << 30)
#define BUNDLE_TESTS_FILE_BYTES (256LL << 20) /* a store that a case fills */
#define BUNDLE_TESTS_SAID_BYTES (1 << 20)     /* what all cases say */
#define BUNDLE_TESTS_SHOWN      10            /* cases that failed, told one by one */

/* The process in which `plugin check` loads somebody's code. */
#define CHECK_CPU_S_MAX 60
#define CHECK_BYTES_MAX (2ULL << 30)
