/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CMD_TERMINAL_H
#define TCPWHY_CMD_TERMINAL_H

#include <stdbool.h>

/* Whether the locale draws UTF-8 (sets LC_CTYPE from the environment). */
bool terminal_draws_utf8(void);

/* Whether standard output is a terminal that may be coloured (NO_COLOR). */
bool terminal_may_color(void);

#endif /* TCPWHY_CMD_TERMINAL_H */
