/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_PCAPNG_H
#define TCPWHY_SOURCE_PCAPNG_H

#include "source/input.h"

extern const struct source_ops source_pcapng;

#endif /* TCPWHY_SOURCE_PCAPNG_H */
