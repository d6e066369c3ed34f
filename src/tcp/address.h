/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TCP_ADDRESS_H
#define TCPWHY_TCP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "tcp/segment.h"

#define ADDRESS_TEXT_BYTES	48 /* "ffff:...:255.255.255.255" and its NUL */
#define ADDRESS_PORT_TEXT_BYTES 56 /* "[...]:65535" and its NUL */

/* "10.0.0.1", "2001:db8::1". */
void ip_address_print(const struct ip_address *address, char text[static ADDRESS_TEXT_BYTES]);

/* "10.0.0.1:80", "[2001:db8::1]:80". */
void ip_address_port_print(const struct ip_address *address, uint16_t port,
			   char text[static ADDRESS_PORT_TEXT_BYTES]);

/* Read "10.0.0.1" or "2001:db8::1" of @length characters. Return: whether it is one. */
bool ip_address_parse(const char *text, size_t length, struct ip_address *address);

/* Read "10.0.0.1:80" or "[2001:db8::1]:80" of @length characters. Return: whether it is one. */
bool ip_address_port_parse(const char *text, size_t length, struct ip_address *address,
			   uint16_t *port);

#endif /* TCPWHY_TCP_ADDRESS_H */
