/* gmime - the library that reads letters, loaded at run time; private to outbound/.
 *
 * Opened with dlopen on the first letter that comes in, like libcurl (curl.h): only runners read
 * letters, and elsewhere the library and what it needs would only cost memory.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <gmime/gmime.h>

#include "base/err.h"

/* One line each: name in the library, name here. */
#define GMIME_CALLS(X)                                                                             \
    X(g_mime_init, init)                                                                           \
    X(g_mime_stream_mem_new, stream_new)                                                           \
    X(g_mime_stream_mem_new_with_buffer, stream_of)                                                \
    X(g_mime_stream_mem_get_byte_array, stream_bytes)                                              \
    X(g_mime_parser_new_with_stream, parser_new)                                                   \
    X(g_mime_parser_construct_message, parser_message)                                             \
    X(g_mime_parser_options_new, options_new)                                                      \
    X(g_mime_parser_options_set_fallback_charsets, options_charsets)                               \
    X(g_mime_parser_options_free, options_free)                                                    \
    X(g_mime_message_get_subject, subject)                                                         \
    X(g_mime_message_get_message_id, message_id)                                                   \
    X(g_mime_message_get_date, date)                                                               \
    X(g_mime_message_get_from, from)                                                               \
    X(g_mime_message_get_to, to)                                                                   \
    X(g_mime_message_foreach, each_part)                                                           \
    X(g_mime_object_get_header, header)                                                            \
    X(g_mime_object_get_content_type, content_type)                                                \
    X(g_mime_content_type_get_mime_type, type_name)                                                \
    X(g_mime_content_type_get_parameter, type_parameter)                                           \
    X(g_mime_part_get_type, part_type)                                                             \
    X(g_mime_part_get_content, part_content)                                                       \
    X(g_mime_part_get_filename, part_filename)                                                     \
    X(g_mime_part_is_attachment, part_is_attachment)                                               \
    X(g_mime_data_wrapper_write_to_stream, content_write)                                          \
    X(internet_address_list_length, addresses_count)                                               \
    X(internet_address_list_get_address, addresses_at)                                             \
    X(internet_address_get_name, address_name)                                                     \
    X(internet_address_mailbox_get_type, mailbox_type)                                             \
    X(internet_address_mailbox_get_addr, mailbox_address)                                          \
    X(g_date_time_to_unix, to_unix)                                                                \
    X(g_type_check_instance_is_a, is_a)                                                            \
    X(g_object_unref, unref)                                                                       \
    X(g_free, release)

struct gmime_api {
#define X(symbol, name) __typeof__(symbol) *name;
    GMIME_CALLS(X)
#undef X
};

/* NULL when the library is not there; that is said in the log once. */
const struct gmime_api *gmime_api(void);
