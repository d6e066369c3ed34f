/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_DURATION_H
#define TCPWHY_LAB_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * duration_parse() - Read a time span such as "300ms", "1.5s", "2m", "10us", "0"
 * @text:  @length characters, no NUL needed
 * @ns:    nanoseconds, 0 to about 146 years; not touched when it is no time span
 *
 * The unit must be said, except of 0: what a bare number means differs between the programs that
 * take one.
 */
bool duration_parse(const char *text, size_t length, int64_t *ns);

#endif /* TCPWHY_LAB_DURATION_H */
