/* SPDX-License-Identifier: BSD-2-Clause */
/* The letters of Zeek's history, and who is upper case. */
#include <string.h>

#include "peers/zeek_conn.h"

/* Letters that stand once per role (F, R and S come back with another number). */
enum seen {
	SEEN_SYN = 0x01, /* shared by S and H */
	SEEN_FIN = 0x02,
	SEEN_RST = 0x04,
	SEEN_FIN_RST = 0x08,
	SEEN_ODD = 0x10,
	SEEN_DATA = 0x20,
	SEEN_ACK = 0x40,
	SEEN_LIMIT = 0x80, /* X */
};

#define SEEN_RESPONDER_SHIFT 16

#define ENCAPSULATION_CHANGES 5 /* Zeek's default tunnel_max_changes_per_connection */

static char *text_of(const struct zeek *zeek, const struct zeek_conn *conn)
{
	return zeek_pool_at(&zeek->histories, conn->long_history);
}

const char *zeek_history_text(const struct zeek *zeek, const struct zeek_conn *conn)
{
	return conn->long_history == ZEEK_NONE ? conn->history : text_of(zeek, conn);
}

void zeek_history_add(struct zeek *zeek, struct zeek_conn *conn, char letter)
{
	if (conn->long_history == ZEEK_NONE && conn->history_length + 1 < ZEEK_HISTORY_SHORT) {
		conn->history[conn->history_length++] = letter;
		conn->history[conn->history_length] = '\0';
		return;
	}
	if (conn->long_history == ZEEK_NONE) {
		if (!zeek_pool_reserve(&zeek->histories)) {
			zeek->stats.letters_lost++;
			return;
		}
		conn->long_history = zeek_pool_take(&zeek->histories);
		memcpy(text_of(zeek, conn), conn->history, sizeof(conn->history));
	}
	if (conn->history_length + 1 >= ZEEK_HISTORY_BYTES) {
		zeek->stats.letters_lost++;
		return;
	}

	char *text = text_of(zeek, conn);

	text[conn->history_length++] = letter;
	text[conn->history_length] = '\0';
}

static void add(struct zeek *zeek, struct zeek_conn *conn, const struct zeek_end *e, char letter)
{
	if (!zeek_is_orig(conn, e))
		letter = (char)(letter - 'A' + 'a');
	zeek_history_add(zeek, conn, letter);
}

void zeek_flip(struct zeek *zeek, struct zeek_conn *conn)
{
	unsigned first = conn->first;

	conn->orig = !conn->orig;
	conn->first = ((first & ZEEK_ORIG_FIRST) ? ZEEK_RESP_FIRST : 0) |
		      ((first & ZEEK_RESP_FIRST) ? ZEEK_ORIG_FIRST : 0);
	conn->partial = false;
	zeek_history_add(zeek, conn, '^');
}

void zeek_history_count(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e,
			enum zeek_counted what)
{
	static const char letters[] = {
		[ZEEK_BAD_CHECKSUM] = 'C',
		[ZEEK_GAP] = 'G',
		[ZEEK_RETRANSMISSION] = 'T',
		[ZEEK_ZERO_WINDOW] = 'W',
	};
	static_assert(sizeof(letters) == ZEEK_COUNTED, "a letter for each");

	struct zeek_rare *rare = zeek_rare(conn, e);

	if (++rare->counted[what] != rare->show_next[what])
		return;
	add(zeek, conn, e, letters[what]);
	if (rare->show_next[what] <= UINT32_MAX / 10)
		rare->show_next[what] *= 10;
	else
		rare->counted[what] = 0;
}

/* Return: whether this role had shown the letter before; otherwise it is added now. */
static bool was_seen(struct zeek_step *step, enum seen what, char letter)
{
	struct zeek_conn *conn = step->conn;
	uint32_t bit = what;

	if (!zeek_is_orig(conn, step->e))
		bit <<= SEEN_RESPONDER_SHIFT;
	if (conn->history_seen & bit)
		return true;
	conn->history_seen |= bit;
	add(step->zeek, conn, step->e, letter);
	return false;
}

/*
 * The row began with a SYN+ACK: it was the answer to a SYN nobody captured, once anything but a
 * FIN, RST or SYN follows. What was seen so far stays noted for the roles as they were.
 */
static void late_flip(struct zeek_step *step)
{
	struct zeek_conn *conn = step->conn;

	if (conn->history_length != 1 || conn->history[0] != 'H')
		return;
	conn->history_length = 0;
	zeek_flip(step->zeek, conn);
	zeek_history_add(step->zeek, conn, 'h');
}

static void control_letter(struct zeek_step *step, unsigned control)
{
	struct zeek_rare *rare = zeek_rare(step->conn, step->e);
	bool again;
	char letter;

	if (control == TCP_SYN) {
		letter = (step->seg->flags & TCP_ACK) ? 'H' : 'S';
		again = was_seen(step, SEEN_SYN, letter) && step->rel != rare->syn_at;
		rare->syn_at = step->rel;
	} else if (control == TCP_FIN) {
		uint64_t at = step->rel + step->seg->payload_bytes;

		letter = 'F';
		again = was_seen(step, SEEN_FIN, letter) && at != rare->fin_at;
		rare->fin_at = at;
	} else {
		letter = 'R';
		again = was_seen(step, SEEN_RST, letter) && step->rel != rare->rst_at;
		rare->rst_at = step->rel;
	}
	if (again)
		add(step->zeek, step->conn, step->e, letter);
}

void zeek_history_segment(struct zeek_step *step)
{
	unsigned control = step->seg->flags & (TCP_SYN | TCP_FIN | TCP_RST);

	if (control == TCP_SYN || control == TCP_FIN || control == TCP_RST) {
		control_letter(step, control);
	} else if (control) {
		if ((control & TCP_FIN) && (control & TCP_RST))
			was_seen(step, SEEN_FIN_RST, 'I');
		else
			was_seen(step, SEEN_ODD, 'Q');
	} else if (step->seg->payload_bytes > 0) {
		late_flip(step);
		was_seen(step, SEEN_DATA, 'D');
	} else if (step->seg->flags & TCP_ACK) {
		late_flip(step);
		was_seen(step, SEEN_ACK, 'A');
	}
}

void zeek_history_path(struct zeek *zeek, struct zeek_conn *conn, const struct segment *seg)
{
	if (conn->encapsulation == seg->encapsulation)
		return;
	conn->encapsulation = seg->encapsulation;
	if (conn->encapsulation_changes < ENCAPSULATION_CHANGES) {
		conn->encapsulation_changes++;
	} else if (!(conn->history_seen & SEEN_LIMIT)) {
		conn->history_seen |= SEEN_LIMIT;
		zeek_history_add(zeek, conn, 'X');
	}
}
