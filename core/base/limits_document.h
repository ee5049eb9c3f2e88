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

#define XLSX_ENTRIES_MAX       10000   /* files in a workbook */
#define XLSX_UNPACKED_FACTOR   4       /* bytes unpacked for each that an import may have as CSV */
#define XLSX_STRINGS_MAX       4000000 /* shared texts */
#define XLSX_STRINGS_BYTES_MAX (64 << 20) /* all of them: these are held */
#define XLSX_STYLES_MAX        65536      /* what a workbook can have at most */
#define XLSX_SHEETS_MAX        1000
#define XLSX_ROWS_MAX          1048576 /* of a sheet, by its format */
#define XLSX_COLUMNS_MAX       400     /* with a value: what an import takes */
#define XLSX_CELL_BYTES_MAX    (1 << 20)
#define XLSX_CELL_CHARS_MAX    32767 /* that a cell can hold, by its format */
