/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_SNOOP_H
#define TCPWHY_SOURCE_SNOOP_H

#include "source/input.h"

extern const struct source_ops source_snoop;

#endif /* TCPWHY_SOURCE_SNOOP_H */
