/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_PROSE_H
#define TCPWHY_REPORT_PROSE_H

#include <stddef.h>
#include <stdint.h>

#include "report/out.h"

#define PROSE_COLUMNS 80 /* how wide text for people is */

/**
 * prose_wrap() - Write a text as a paragraph of at most PROSE_COLUMNS columns
 * @column:  where the text begins (what stands before it is written already)
 * @indent:  where further lines begin
 * @text:    words; from a capture: escaped
 *
 * Words longer than a line stand alone. Ends with a line feed.
 */
void prose_wrap(struct out *out, size_t column, size_t indent, const char *text);

/* "  label       " padded to @indent, then the paragraph. */
void prose_item(struct out *out, const char *label, size_t indent, const char *text);

/* 17990 as "17,990". */
void prose_number(struct out *out, uint64_t number);

/* "1 connection", "412 connections". */
void prose_count(struct out *out, uint64_t number, const char *one, const char *many);

/* How many columns a UTF-8 text takes, each character counted as one. */
size_t prose_columns(const char *text);

#endif /* TCPWHY_REPORT_PROSE_H */
