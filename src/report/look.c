/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/huge.h"
#include "report/prose.h"
#include "report/sentence.h"

#define COUNT_COLUMNS  10 /* "    31 x " */
#define DETAIL_INDENT  10
#define KINDS_MOST     128 /* more than the catalogue has ids that can be looks */
#define SERVERS_APART  3   /* with more servers, one verdict's looks are told in one item */
#define ADVICE_PRINTED 6

struct example {
	uint64_t conn;
	struct ip_address ip; /* the client's */
	uint16_t port;
};

/* Connections with the same verdict about the same server, or one group verdict. */
struct look {
	const struct entry *entry;
	struct ip_address server;
	uint16_t port;
	bool is_group;
	enum confidence least, most;
	uint64_t count; /* connections, without those filed under a group */
	struct example examples[LOOK_EXAMPLES];
	unsigned example_count;
	bool same_client;	   /* all of them from the first example's address */
	int64_t cost_most_ns;	   /* TIME_NONE: none */
	unsigned filed;		   /* how many are in looks.filed */
	char one[SENTENCE_BYTES];  /* the first one's headline */
	char many[SENTENCE_BYTES]; /* the same for several */
	char advice[SENTENCE_BYTES];
};

/* A connection of a look. */
struct filed {
	uint64_t conn;
	uint32_t look; /* its place in the list, and 1; 0: a group verdict has it */
};

struct looks {
	struct look *list; /* owned */
	size_t count;
	struct filed *filed; /* owned: so that a group verdict finds its connections */
	size_t filed_count, filed_room;
	bool filed_sorted; /* by connection */
	uint64_t total;
	uint64_t beyond; /* connections of kinds that found no place */
	uint32_t *index; /* owned: hash of (entry, server, port) -> place in list + 1 */
};

#define INDEX_SLOTS ((size_t)LOOKS_MOST * 4)
#define LIST_BYTES  ((size_t)LOOKS_MOST * sizeof(struct look))

struct looks *looks_new(void)
{
	struct looks *looks = calloc(1, sizeof(*looks));

	if (!looks)
		return NULL;
	looks->list = huge_reserve(LIST_BYTES);
	looks->index = calloc(INDEX_SLOTS, sizeof(looks->index[0]));
	if (!looks->list || !looks->index) {
		looks_free(looks);
		return NULL;
	}
	return looks;
}

void looks_free(struct looks *looks)
{
	if (!looks)
		return;
	free(looks->filed);
	huge_free(looks->list, LIST_BYTES);
	free(looks->index);
	free(looks);
}

static size_t slot_of(const struct entry *entry, const struct half *server)
{
	uint64_t hash = (uintptr_t)entry;

	for (unsigned i = 0; i < sizeof(server->ip.bytes); i++)
		hash = (hash ^ server->ip.bytes[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ server->port) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(hash >> 32) % INDEX_SLOTS;
}

static struct look *add_look(struct looks *looks)
{
	if (looks->count == LOOKS_MOST)
		return NULL;

	struct look *look = &looks->list[looks->count++];

	look->cost_most_ns = TIME_NONE;
	return look;
}

static struct look *find_or_add(struct looks *looks, const struct entry *entry,
				const struct half *server)
{
	size_t slot = slot_of(entry, server);

	for (; looks->index[slot] != 0; slot = (slot + 1) % INDEX_SLOTS) {
		struct look *look = &looks->list[looks->index[slot] - 1];

		if (look->entry == entry && look->port == server->port &&
		    ip_address_equal(&look->server, &server->ip))
			return look;
	}

	struct look *look = add_look(looks);

	if (!look)
		return NULL;
	looks->index[slot] = (uint32_t)looks->count;
	look->entry = entry;
	look->server = server->ip;
	look->port = server->port;
	return look;
}

static void look_start(struct look *look, const struct sentence *about)
{
	const struct verdict *verdict = about->verdict;

	look->least = look->most = verdict->confidence;
	sentence_format(look->one, verdict->entry->headline, about);
	sentence_format(look->many, verdict->entry->grouped, about);
	sentence_format(look->advice, verdict->entry->advice, about);
}

static void file_conn(struct looks *looks, struct look *look, uint64_t conn)
{
	if (look->filed == LOOK_CONNS)
		return; /* counted all the same */
	if (looks->filed_count == looks->filed_room) {
		size_t room = looks->filed_room ? looks->filed_room * 2 : 256;
		struct filed *filed = realloc(looks->filed, room * sizeof(*filed));

		if (!filed)
			return; /* likewise */
		looks->filed = filed;
		looks->filed_room = room;
	}
	look->filed++;
	looks->filed_sorted = false;
	looks->filed[looks->filed_count++] =
		(struct filed){ .conn = conn, .look = (uint32_t)(look - looks->list) + 1 };
}

void looks_add(struct looks *looks, const struct conn *conn, const struct verdict *verdict)
{
	struct look *look = find_or_add(looks, verdict->entry, conn_server(conn));
	const struct half *client = conn_client(conn);

	looks->total++;
	if (!look) {
		looks->beyond++;
		return;
	}
	if (look->count == 0) {
		look_start(look, &(struct sentence){ .conn = conn, .verdict = verdict });
		look->same_client = true;
	}
	look->count++;
	if (verdict->confidence < look->least)
		look->least = verdict->confidence;
	if (verdict->confidence > look->most)
		look->most = verdict->confidence;
	if (verdict->cost_ns != TIME_NONE && verdict->cost_ns > look->cost_most_ns)
		look->cost_most_ns = verdict->cost_ns;
	if (look->example_count > 0 && !ip_address_equal(&look->examples[0].ip, &client->ip))
		look->same_client = false;
	if (look->example_count < LOOK_EXAMPLES)
		look->examples[look->example_count++] = (struct example){ .conn = conn->conn,
									  .ip = client->ip,
									  .port = client->port };
	file_conn(looks, look, conn->conn);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int compare_filed(const void *a, const void *b)
{
	const struct filed *x = a, *y = b;

	return compare_u64(&x->conn, &y->conn);
}

/* The first one that is filed of a connection, or where it would be. */
static size_t find_filed(const struct looks *looks, uint64_t conn)
{
	size_t from = 0, to = looks->filed_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (looks->filed[middle].conn < conn)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Take the connections of a group verdict out of the ordinary kinds. */
static void file_under(struct looks *looks, const uint64_t *conns, size_t count)
{
	if (!looks->filed_sorted && looks->filed_count > 0)
		qsort(looks->filed, looks->filed_count, sizeof(looks->filed[0]), compare_filed);
	looks->filed_sorted = true;
	for (size_t i = 0; i < count; i++) {
		/* In a tunnel there are two with the same number. */
		for (size_t at = find_filed(looks, conns[i]);
		     at < looks->filed_count && looks->filed[at].conn == conns[i]; at++) {
			if (looks->filed[at].look)
				looks->list[looks->filed[at].look - 1].count--;
			looks->filed[at].look = 0;
		}
	}
}

void looks_add_group(struct looks *looks, const struct group_verdict *group)
{
	if (!group->verdict.entry->look)
		return;
	file_under(looks, group->conns, group->conn_count);

	struct look *look = add_look(looks);

	if (!look)
		return;
	look->entry = group->verdict.entry;
	look->server = group->host;
	look->port = group->has_port ? group->port : 0;
	look->is_group = true;
	look->count = group->conn_total;
	look_start(look, &(struct sentence){ .verdict = &group->verdict, .group = group });
	for (size_t i = 0; i < group->conn_count && i < LOOK_EXAMPLES; i++)
		look->examples[look->example_count++].conn = group->conns[i];
}

uint64_t looks_total(const struct looks *looks)
{
	return looks->total;
}

bool looks_any(const struct looks *looks)
{
	return looks->count > 0;
}

/* One verdict's looks, side by side in the list once it is sorted. */
struct kind {
	size_t first, looks; /* places in the list; those without a connection left are last */
	uint64_t count;	     /* connections */
	bool is_group;
};

/* Looks of one verdict side by side, the most frequent first; ties by first connection. */
static int compare_looks(const void *a, const void *b)
{
	const struct look *x = a, *y = b;
	int by_id = strcmp(x->entry->id, y->entry->id);

	if (by_id != 0)
		return by_id;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return compare_u64(&x->examples[0].conn, &y->examples[0].conn);
}

/* Groups first, then the most frequent verdict; ties keep the order of ids. */
static int compare_kinds(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;

	if (x->is_group != y->is_group)
		return x->is_group ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static size_t gather_kinds(const struct looks *looks, struct kind kinds[static KINDS_MOST])
{
	size_t count = 0;

	for (size_t i = 0; i < looks->count; i++) {
		const struct look *look = &looks->list[i];

		if (look->count == 0) /* all of its connections stand under a group */
			continue;
		if (count > 0 && looks->list[kinds[count - 1].first].entry == look->entry) {
			kinds[count - 1].looks++;
			kinds[count - 1].count += look->count;
		} else if (count < KINDS_MOST) {
			kinds[count].first = i;
			kinds[count].looks = 1;
			kinds[count].count = look->count;
			kinds[count].is_group = look->is_group;
			count++;
		}
	}
	qsort(kinds, count, sizeof(kinds[0]), compare_kinds);
	return count;
}

static void print_examples(struct out *out, const struct look *look)
{
	char line[512], client[ADDRESS_PORT_TEXT_BYTES];
	size_t used = 0;

	for (unsigned i = 0; i < look->example_count; i++) {
		const struct example *example = &look->examples[i];

		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s#%" PRIu64,
					 i ? ", " : "", example->conn);
		if (look->is_group || (i > 0 && look->same_client))
			continue;
		ip_address_port_print(&example->ip, example->port, client);
		used += (size_t)snprintf(line + used, sizeof(line) - used, " %s", client);
	}
	if (look->count > look->example_count)
		used += (size_t)snprintf(line + used, sizeof(line) - used, " and %" PRIu64 " more",
					 look->count - look->example_count);
	if (!look->is_group && look->same_client && look->count > 1) {
		ip_address_print(&look->examples[0].ip, client);
		snprintf(line + used, sizeof(line) - used, ", all from %s", client);
	}
	out_spaces(out, DETAIL_INDENT);
	prose_wrap(out, DETAIL_INDENT, DETAIL_INDENT, line);
}

static void print_look(struct out *out, const struct look *look)
{
	char label[32], line[256], cost[DURATION_BYTES];
	int used;

	snprintf(label, sizeof(label), "%6" PRIu64 " x ", look->count);
	prose_item(out, label, COUNT_COLUMNS,
		   look->count > 1 || look->is_group ? look->many : look->one);
	print_examples(out, look);
	used = snprintf(line, sizeof(line), "%s, %s", look->entry->id,
			confidence_name(look->least));
	if (look->most != look->least)
		used += snprintf(line + used, sizeof(line) - (size_t)used, " to %s",
				 confidence_name(look->most));
	if (look->cost_most_ns != TIME_NONE && look->cost_most_ns > 0) {
		duration_format(cost, look->cost_most_ns);
		snprintf(line + used, sizeof(line) - (size_t)used, "; it cost %s%s",
			 look->count > 1 ? "up to " : "", cost);
	}
	out_spaces(out, DETAIL_INDENT);
	prose_wrap(out, DETAIL_INDENT, DETAIL_INDENT, line);
}

/* Many servers, one or a few connections each: one item for all of them. */
static void print_spread(struct out *out, const struct looks *looks, const struct kind *kind)
{
	char label[32], line[512];
	const struct look *first = &looks->list[kind->first];
	size_t used = 0;

	snprintf(label, sizeof(label), "%6" PRIu64 " x ", kind->count);
	snprintf(line, sizeof(line), "%s, at %zu servers", first->entry->title, kind->looks);
	prose_item(out, label, COUNT_COLUMNS, line);
	for (size_t i = 0; i < LOOK_EXAMPLES && i < kind->looks; i++) {
		const struct look *look = &first[i];
		char server[ADDRESS_PORT_TEXT_BYTES];

		ip_address_port_print(&look->server, look->port, server);
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s: #%" PRIu64,
					 i ? ", " : "", server, look->examples[0].conn);
		if (look->count > 1)
			used += (size_t)snprintf(line + used, sizeof(line) - used,
						 " and %" PRIu64 " more", look->count - 1);
	}
	out_spaces(out, DETAIL_INDENT);
	prose_wrap(out, DETAIL_INDENT, DETAIL_INDENT, line);
	out_spaces(out, DETAIL_INDENT);
	prose_wrap(out, DETAIL_INDENT, DETAIL_INDENT, first->entry->id);
}

void looks_print(struct looks *looks, struct out *out)
{
	struct kind kinds[KINDS_MOST] = { { .first = 0 } };

	if (looks->count == 0)
		return;
	qsort(looks->list, looks->count, sizeof(looks->list[0]), compare_looks);

	size_t count = gather_kinds(looks, kinds);

	out_text(out, "\nNEEDS A LOOK  ");
	if (looks->total > 0) { /* none: only what several connections tell together */
		prose_count(out, looks->total, "connection", "connections");
		out_text(out, ", ");
	}
	prose_count(out, count, "kind", "kinds");
	out_char(out, '\n');
	for (size_t k = 0; k < count; k++) {
		if (kinds[k].looks > SERVERS_APART) {
			print_spread(out, looks, &kinds[k]);
			continue;
		}
		for (size_t i = 0; i < kinds[k].looks; i++)
			print_look(out, &looks->list[kinds[k].first + i]);
	}
	if (looks->beyond > 0)
		out_format(out, "       ... and %" PRIu64 " connections that found no place here\n",
			   looks->beyond);
}

void looks_print_advice(const struct looks *looks, struct out *out)
{
	struct kind kinds[KINDS_MOST] = { { .first = 0 } };
	size_t count = gather_kinds(looks, kinds);

	for (size_t k = 0; k < count && k < ADVICE_PRINTED; k++) {
		const struct look *look = &looks->list[kinds[k].first];
		char server[ADDRESS_PORT_TEXT_BYTES];

		if (k == 0)
			out_text(out, "\nWHAT TO DO\n");
		if (look->port)
			ip_address_port_print(&look->server, look->port, server);
		else
			ip_address_print(&look->server, server);
		out_format(out, "  %s  (%s)\n", server, look->entry->id);
		out_spaces(out, 4);
		prose_wrap(out, 4, 4, look->advice);
	}
	if (count > ADVICE_PRINTED)
		out_format(out, "  %zu further kinds: tcpwhy explain ID tells what to do\n",
			   count - ADVICE_PRINTED);
}
