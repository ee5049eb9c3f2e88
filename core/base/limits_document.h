/* limits_document - bounds of documents that are read and made: packages, XML, Word templates.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#define PACKAGE_ENTRIES_MAX    1000       /* files in one package */
#define PACKAGE_BYTES_MAX      (32 << 20) /* all of them unpacked: what a zip bomb would pass */
#define XML_NODES_MAX          400000 /* elements and texts of one tree, with what is repeated */
#define XML_DEPTH_MAX          100
#define DOCX_PLACEHOLDER_BYTES 200 /* between {{ and }} */
#define DOCX_TAGS_MAX          2000
#define DOCX_NESTING_MAX       8 /* sections inside sections */
