/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_UTF8_H
#define TCPWHY_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/**
 * utf8_length() - How long the well-formed character at the start of some bytes is
 * @bytes:  not empty
 * @left:   how many there are, > 0
 *
 * Return: 1 to 4; 0 where no well-formed character starts (cut, overlong, surrogate, too large).
 * Source: RFC 3629, section 4.
 */
size_t utf8_length(const char *bytes, size_t left);

/* Whether a well-formed character is a control (C0, DEL, C1) or turns the writing direction. */
bool utf8_is_control(const char *bytes, size_t length);

#endif /* TCPWHY_BASE_UTF8_H */
