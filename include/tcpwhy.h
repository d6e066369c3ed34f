/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_H
#define TCPWHY_H

/*
 * libtcpwhy: feed it the frames of a capture, get what TCP did and why.
 */

/* The version of this header; compare with what the library that was loaded says. */
#define TCPWHY_VERSION_MAJOR 0
#define TCPWHY_VERSION_MINOR 1
#define TCPWHY_VERSION_PATCH 0

#endif /* TCPWHY_H */
