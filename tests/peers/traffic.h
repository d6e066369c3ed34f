/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_PEERS_TRAFFIC_H
#define TCPWHY_TESTS_PEERS_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Unlikely TCP on purpose: seeded random segment streams that lose, repeat, reorder, wrap, reuse
 * ports, probe, stall, quote, cut and jump, so that two analysers meet where they could differ.
 */
struct traffic_options {
	uint64_t seed;
	unsigned scenes;  /* each with addresses of its own, one after the other */
	unsigned packets; /* of each scene, about */
	int only;	  /* write this scene alone; negative: all */
};

/* Write a pcap file of raw IP packets. Return: false, it could not be written. */
bool traffic_write(const char *path, const struct traffic_options *options);

#endif /* TCPWHY_TESTS_PEERS_TRAFFIC_H */
