/* limits_http - bounds of what comes in and goes out by HTTP, and of frames between processes.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* HTTP (security.md sections 3 and 6). */
#define REQUEST_LINE_BYTES_MAX   8192       /* method, target and version */
#define HEADERS_MAX              100        /* fields of one request */
#define HEADERS_BYTES_MAX        16384      /* all header names and values */
#define CHUNK_EXT_BYTES_MAX      1024       /* chunk extensions in all */
#define BODY_JSON_BYTES_MAX      (1 << 20)  /* a JSON body */
#define BODY_ANONYMOUS_BYTES_MAX 65536      /* bodies of nobody; never spooled */
#define BODY_INLINE_BYTES_MAX    65536      /* larger bodies of known users are spooled to a file */
#define BODY_FORM_BYTES_MAX      8192       /* what frames a file in a form, besides the file */
#define UPLOAD_BYTES_MAX         (25 << 20) /* an attachment */
#define IMPORT_BYTES_MAX         (200 << 20) /* an import file */
#define ANSWER_INLINE_BYTES_MAX  (4 << 20)   /* larger answers leave as files */
#define HEADER_TIMEOUT_MS        10000       /* first byte to end of headers */
#define BODY_TIMEOUT_MS          30000       /* without reaching BODY_RATE_BYTES_S */
#define IDLE_TIMEOUT_MS          75000       /* between requests */
#define WRITE_TIMEOUT_MS         30000       /* an answer nobody reads */
#define BODY_RATE_BYTES_S        500         /* slower senders are cut */
#define OPENAPI_PATHS_MAX        200         /* routes that the OpenAPI document names */
#define CONNS_PER_ADDRESS_MAX    200
#define CONNS_MAX                4096        /* per gateway */
#define CONN_QUEUE_BYTES_MAX     (256 << 10) /* more waiting for a slow reader: reading pauses */
#define HANDSHAKES_PER_S         20          /* TLS handshakes of one address, over time */
#define HANDSHAKES_BURST         400         /* and at once: a proxy or an office behind NAT */
#define IDEMPOTENCY_KEY_MAX      200
#define STOP_GRACE_MS            10000 /* SIGTERM to the end of what is in flight */

/* Forms (http/multipart). */
#define MULTIPART_PARTS_MAX      20   /* fields and files of one form */
#define MULTIPART_HEAD_BYTES_MAX 4096 /* headers of one part */

/* Live events (house.md section 2). A stream is an open GET /api/v1/events. */
#define STREAMS_PER_GATEWAY     1024
#define STREAMS_PER_GATEWAY_MAX 4096 /* the most the configuration may ask for */
#define STREAMS_PER_TENANT      500
#define STREAMS_PER_USER        8
#define STREAM_QUEUE_BYTES_MAX  (64 << 10) /* more waits for a slow reader: nothing is added */
#define STREAM_SLOW_MS          20000      /* and one that stays slow for so long is cut */
#define STREAM_REPLAY_MAX       10000      /* changes a returning client is told one by one */

/* Frames between processes. */
#define FRAME_BYTES_MAX     (8 << 20) /* an inline answer plus its head */
#define FRAME_WAIT_MS       30000     /* the rest of a frame that has begun, blocking ends */
#define READ_CPU_US_MAX     20000     /* a native read on a gateway */
#define READ_RUNNER_US_MAX  10000000  /* a statement in a runner */
#define SLOTS_PER_ROLE_MAX  64        /* gateways, workers, runners: each at most */
#define BOARD_SLOTS_MAX     192       /* slots of all roles on the shared page */
#define BOARD_MOVES_MAX     256       /* tenants living on another worker than their hash's */
#define OVERSTAY_GATEWAY_MS 5000      /* busy with one thing for so long: killed */
#define OVERSTAY_WORKER_MS  10000
#define OVERSTAY_QUICK_MS   60000
#define OVERSTAY_LONG_MS    600000
#define OVERSTAY_TURN_MS    30000  /* a borrowed write turn: the tenant cannot be written to */
#define LOAN_WAIT_MS        30000  /* a runner waits so long for a write turn */
#define LONG_WAIT_MS        600000 /* a gateway waits so long for a long lane */
#define WORKER_QUEUE_MAX    2048   /* requests waiting in one worker */
#define RUNNER_QUEUE_MAX    256    /* requests waiting in one runner lane */
#define OUTCOME_WAIT_MS     30000  /* a gateway waits so long for a worker */
