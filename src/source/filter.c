/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

/* The filter compiled for one link type. */
struct program {
	uint16_t link_type;
	struct bpf_program code; /* its instructions are owned */
};

struct filter {
	char *expression;	  /* owned */
	struct program *programs; /* owned */
	size_t count;
};

#define SNAP_BYTES 262144 /* nothing is cut: the return value only says yes or no */

/*
 * LINKTYPE numbers in files and the DLT numbers of this system that libpcap's calls want are the
 * same but for these. Source: the link-layer header types page of the tcpdump group.
 */
static const struct {
	uint16_t link_type;
	int dlt;
} renumbered[] = {
	{ 50, DLT_PPP_SERIAL },	 { 100, DLT_ATM_RFC1483 }, { 101, DLT_RAW },
	{ 102, DLT_SLIP_BSDOS }, { 103, DLT_PPP_BSDOS },   { 246, DLT_PFSYNC },
};
#define RENUMBERED (sizeof(renumbered) / sizeof(renumbered[0]))

/* Link types to try a filter on before the capture has named one. */
static const uint16_t usual[] = {
	1,   /* Ethernet */
	101, /* raw IP */
	113, /* Linux cooked */
	127, /* 802.11 with radiotap */
	239, /* NFLOG */
};
#define USUAL (sizeof(usual) / sizeof(usual[0]))

static int dlt_of(uint16_t link_type)
{
	for (size_t i = 0; i < RENUMBERED; i++)
		if (renumbered[i].link_type == link_type)
			return renumbered[i].dlt;
	return link_type;
}

struct filter *filter_new(const char *expression)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (!filter)
		return NULL;
	filter->expression = strdup(expression);
	if (filter->expression)
		return filter;
	free(filter);
	return NULL;
}

static bool compile(const struct filter *filter, struct program *program, struct err *err)
{
	const int optimize = 1;
	pcap_t *dead = pcap_open_dead(dlt_of(program->link_type), SNAP_BYTES);
	bool ok;

	if (!dead)
		return err_set(err, ERR_SYSTEM, "out of memory for the filter");
	ok = pcap_compile(dead, &program->code, filter->expression, optimize,
			  PCAP_NETMASK_UNKNOWN) == 0;
	if (!ok) {
		const char *link = pcap_datalink_val_to_name(dlt_of(program->link_type));

		err_set(err, ERR_USAGE, "the filter '%s' cannot be used on link type %s: %s",
			filter->expression, link ? link : "unknown", pcap_geterr(dead));
		err_fix(err, "the language is that of tcpdump: see pcap-filter(7)");
	}
	pcap_close(dead);
	return ok;
}

static const struct program *program_find(const struct filter *filter, uint16_t link_type)
{
	for (size_t i = 0; i < filter->count; i++)
		if (filter->programs[i].link_type == link_type)
			return &filter->programs[i];
	return NULL;
}

static const struct program *program_add(struct filter *filter, uint16_t link_type, struct err *err)
{
	struct program *larger =
		realloc(filter->programs, (filter->count + 1) * sizeof(*filter->programs));

	if (!larger) {
		err_set(err, ERR_SYSTEM, "out of memory for the filter");
		return NULL;
	}
	filter->programs = larger;
	larger[filter->count] = (struct program){ .link_type = link_type };
	if (!compile(filter, &larger[filter->count], err))
		return NULL;
	return &larger[filter->count++];
}

bool filter_check(struct filter *filter, uint16_t link_type, struct err *err)
{
	return program_find(filter, link_type) || program_add(filter, link_type, err);
}

bool filter_check_any(struct filter *filter, struct err *err)
{
	struct err first = { 0 };

	for (size_t i = 0; i < USUAL; i++)
		if (filter_check(filter, usual[i], &first))
			return true;
	if (err)
		*err = first;
	return false;
}

enum filter_result filter_try(struct filter *filter, const struct frame *frame, struct err *err)
{
	const struct program *program = program_find(filter, frame->link_type);
	struct pcap_pkthdr header = { .caplen = frame->captured_bytes, .len = frame->wire_bytes };

	if (!program)
		program = program_add(filter, frame->link_type, err);
	if (!program)
		return FILTER_IMPOSSIBLE;
	return pcap_offline_filter(&program->code, &header, frame->bytes) != 0 ? FILTER_PASSES
									       : FILTER_HOLDS_BACK;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++)
		pcap_freecode(&filter->programs[i].code);
	free(filter->programs);
	free(filter->expression);
	free(filter);
}
