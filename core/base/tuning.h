/* tuning - numbers that were chosen, by measuring or by taste, and that bind nobody.
 *
 * They say how much is done at a time, how often something is looked at, how long it is kept at
 * hand. Another value makes Perigee faster or slower and refuses nothing: what is refused is a
 * limit and stands in limits_*.h, with a test at it and one beyond.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* JSON and its complaints. */
#define JSON_READ_BYTES        16384 /* asked for at a time */
#define JSONSCHEMA_SHOWN_CHARS 60    /* of a value quoted in a complaint */
#define JSONSCHEMA_NEAR        3     /* edit distance of "did you mean" */
#define SCRIPT_PLACE_LEVELS    16    /* calls gone up for the line at which a script was ended */
#define TEXT_WORD_BYTES_MIN    3     /* of a word by which a longer name is suggested */

#define LOG_WAIT_MS 100 /* for who reads the log; then lines are lost until it does */

/* Sockets and TLS. */
#define READ_BYTES        65536 /* taken from a socket at once; one buffer per loop */
#define CONN_LINGER_MS    2000  /* after the last byte, for the peer to read it */
#define LISTEN_BACKLOG    1024  /* connections the kernel keeps for us */
#define ACCEPTS_PER_ROUND 64    /* so that a flood does not starve open connections */
#define HANDSHAKE_BUCKETS 2048  /* counters of addresses per TLS listener */

/* Live events. */
#define STREAM_TICK_MS           5000 /* looked at so often, whatever was told */
#define STREAM_HEARTBEAT_MS      15000
#define STREAM_SEND_BUFFER_BYTES (128 << 10) /* what the kernel may hold of it */
#define STREAM_JOBS              20          /* newest jobs of a person that are followed */
#define STREAMS_PER_ROUND        8  /* looked at between two rounds of the gateway's loop */
#define MOVED_PER_S              10 /* `moved` frames of one tenant */

/* Forgetting a person. */
#define ERASE_NEEDLES_AT_ONCE 16 /* addresses, numbers and names that one look at a table finds */

/* Turns of workers, and what is handed on. */
#define TURN_REQUESTS      64    /* one commit answers at most so many */
#define TURN_RUN_US        20000 /* and runs so long */
#define TURN_LOAN_US       50000 /* a write turn lent to a runner */
#define TURN_YIELD_US      8000  /* …and given back after so long when requests wait for it */
#define SLOW_UNIT_US       25000 /* average over SLOW_WINDOW_MS: to the slow lane */
#define SLOW_WINDOW_MS     10000
#define RESTART_BACKOFF_MS 30000   /* between starts of a child that keeps dying */
#define PATIENCE_STEP_US   1000000 /* of a process's time that one look of the supervisor counts */
#define SCRIPT_LATE_LOG_MS 250     /* over its time and still inside one C function: logged */
#define VM_REST_MS         500     /* unused for so long, what scripts have left is collected */
#define VM_REST_US         2000    /* and for so long at a time, of all of them together */
#define VM_REST_CYCLES     2       /* of the collector: the first may have begun before */

/* A bundle's own tests, beside other work of a runner. */
#define BUNDLE_TESTS_AT_ONCE 2     /* in one runner; of one company one: others wait */
#define BUNDLE_TESTS_LOOK_MS 20    /* between two looks at whether they are over */
#define BUNDLE_TESTS_KEPT_MS 60000 /* what they said, for who comes back to ask */

/* A model in which files of a product did not fit. */
#define MODEL_LOOK_US      1000000 /* they are looked at again; each time after twice as long */
#define MODEL_LOOKS_SLOWER 5       /* and so often twice */

/* Documents. */
#define DOCUMENT_NAME_CHARS 200 /* of the name of a file that a script makes; cut behind */

/* Jobs, imports, exports, migrations: what one step does. */
#define JOB_LOOK_ROWS        50     /* due jobs looked through for one that may be leased */
#define JOB_STEP_US          500000 /* a job that walks lets others go on after so long */
#define BULK_UNDO_ROWS       200    /* changes of a bulk that one call takes back */
#define BULK_SWEPT           4      /* bulks too old to be taken back that a new one forgets */
#define IMPORT_BATCH_ROWS    200    /* rows in one lent write turn, at most */
#define IMPORT_MERGE_ROWS    1000   /* so many written: the search index is merged at the end */
#define IMPORT_MERGE_PAGES   100    /* of it at a time */
#define EXPORT_PAGE_ROWS     500    /* rows read and written at a time */
#define MIGRATION_BATCH_ROWS 500    /* records of one transaction of a back-fill */
#define REKEY_BATCH_ROWS     200    /* records sealed anew in one lent write turn */
#define REINDEX_BATCH_ROWS   200    /* records whose search tokens are made anew in one turn */
#define AUDIT_PURGE_ROWS     5000   /* taken off the audit log in one sweep */

/* Stores. */
#define STORE_OPEN_WAIT_MS    3000   /* opening waits so long for another's recovery of the WAL */
#define STORE_RESTART_WAIT_MS 30     /* a checkpoint waits so long for readers */
#define WAL_LOAN_PAGES        2000   /* a runner copies so much before it gives the turn back */
#define WAL_WANTED_PAGES      6000   /* …or so much when requests wait for the turn */
#define WAL_RESTART_PAGES     10000  /* so many are copied: the log is begun anew */
#define WAL_REOPEN_PAGES      100000 /* runners are told to end their snapshots */
#define TMP_KEEP_MS           (3600LL * 1000) /* a file in tmp/ nobody writes to any more */
#define TENANTS_CHECK_MS      1000            /* control.db is asked for news at most so often */
#define RUNNER_IDLE_MS        30000           /* a company nobody has come for is closed there */
#define TENANTS_REST_BYTES    (1 << 20)       /* so given back, the heap is asked to return pages */

/* What a write transaction has read, kept until it writes to that table (store/sqlite/seen.h). */
#define SEEN_SLOTS     128       /* answers, a power of two */
#define SEEN_ROWS_MAX  32        /* of one answer; a longer one is not kept */
#define SEEN_BYTES_MAX (1 << 20) /* of all of them; then they are forgotten */

/* Values of a record that is saved without a savepoint of its own; see limits.h. */
#define CERTAIN_BYTES_MAX (1 << 20)

/* The index that an entity's reports are answered from. */
#define REPORT_COLUMNS    32  /* more are looked up in the row */
#define REPORT_TEXT_CHARS 120 /* longer texts are not copied into it */

/* What somebody saw a moment ago (record/past.h). */
#define PAST_SEEN_MS (3600LL * 1000) /* a list that stands open for so long */
#define PAST_CHANGES 20              /* of the record that are looked through */

/* Identity. */
#define THROTTLE_SLOTS    8192   /* shared table of rates */
#define ACTORS_KEEP_MS    300000 /* a request in flight keeps the actor it began with */
#define PASSPHRASE_KIB    65536 /* Argon2id costs of a wrapping that is made (RFC 9106 section 4) */
#define PASSPHRASE_PASSES 3

/* Models that are made before anybody asks for them (api/warm.h). */
#define WARM_TENANTS 1   /* whose models a process that has begun makes by itself */
#define WARM_MS      20  /* before each of them, times the process's number */
#define WARM_LOOK_MS 5   /* between looks at a shelf that is being filled */
#define WARM_LOOKS   500 /* so many; then it is left to who comes */

/* Calls to other systems. */
#define FETCH_CONNECT_MS 5000 /* of FETCH_TIMEOUT_MS for the connection */
