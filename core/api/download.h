/* download - a stored file as an answer: under a harmless name, whole or in part.
 *
 * Who may have it is the caller's to ask (record/blob.h). The bytes of a file never change, so its
 * hash is its entity tag; a range is given of the file itself (RFC 9110 sections 13 and 14).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "record/blob.h"

/* The file, sent from where it lies: 200, 206, 304 when the client has it, 416 when it has no bytes
 * of what is asked for. `name` is what it is saved as; NULL: the file's own. */
void download_answer(struct call *call, const struct blob_file *file, const char *name);
/* Content-Disposition of an answer that is to be saved under that name. */
void download_name(struct call *call, const char *name);
