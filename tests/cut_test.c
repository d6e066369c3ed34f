/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: cut_test SOURCE-ROOT even|odd
 *
 * Small public captures of every format, cut at every byte, go the whole way from source to report
 * in one process, as a file and through a pipe: each cut gives what is before it and an error of
 * the house form, and under a sanitizer nothing is reported. Exits 77 where the captures are not.
 * "even" and "odd" are the cuts behind so many bytes: two processors share the work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/pipeline.h"

#define SKIPPED	   77
#define TEXT_EVERY 8 /* of the cuts the text format is tried at too */

static const char *const names[] = {
	"chrissanders__tcp_handshake.pcapng",
	"gopacket__test201.pcapng",
	"pcapplusplus__nanosecs_big_endian.pcap",
	"pcapplusplus__sll2.pcap",
	"arkime__gre-erspan-vxlan.pcap",
	"zeek__snap-tcp.pcap",
	"zeek__dns-inverse-query.pcap",
	"tcpdump__mptcp-fclose.pcap",
	"tcpdump__kday3.pcap",
	"tcpflow__bug5.pcap",
	"suricata-verify__tcp-split-handshake-01-4whs-split-handshake-4whs.pcap",
	"libpcap__arcnet-rfc1051-arp-icmp-http.pcap",
};

struct outcome {
	int status;	  /* of the error: 0 or 3 */
	uint64_t written; /* bytes of report */
};

static int sink_fd; /* of the report: a memory file */

/* Run the whole pipeline on one input. */
static struct outcome run(const char *path, const char *format)
{
	struct pipeline_options options = {
		.source = { .paths = &path, .path_count = 1 },
		.format = formats_find(format),
		.report = { .input = "cut" },
		.max_connections = 1000,
	};
	struct pipeline_result result = { .fail_on_met = false };
	struct err err = { .kind = ERR_NONE };
	struct out out;
	struct outcome outcome;

	if (ftruncate(sink_fd, 0) != 0 || lseek(sink_fd, 0, SEEK_SET) != 0 ||
	    !out_init(&out, sink_fd, &err))
		abort();
	pipeline_run(&options, &out, &result, &err);
	out_finish(&out, &err);
	out_clear(&out);

	const struct err *worst = err.kind != ERR_NONE ? &err : &result.damage;

	outcome.status = err_exit_status(worst);
	outcome.written = (uint64_t)lseek(sink_fd, 0, SEEK_CUR);
	if (worst->kind != ERR_NONE && (worst->what[0] == '\0' || worst->fix[0] == '\0')) {
		printf("an error without words: '%s' '%s'\n", worst->what, worst->fix);
		outcome.status = -1;
	}
	return outcome;
}

/* The same bytes through a pipe; small enough to lie in it whole. */
static struct outcome run_pipe(const uint8_t *bytes, size_t count, const char *format)
{
	char path[32];
	int ends[2];

	if (pipe(ends) != 0 || fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0 ||
	    write(ends[1], bytes, count) != (ssize_t)count)
		abort();
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);

	struct outcome outcome = run(path, format);

	close(ends[0]);
	return outcome;
}

static uint8_t *load(const char *path, size_t *count)
{
	FILE *file = fopen(path, "rb");
	struct stat facts;

	if (!file)
		return NULL;
	uint8_t *bytes = fstat(fileno(file), &facts) == 0 ? malloc((size_t)facts.st_size) : NULL;

	*count = bytes ? fread(bytes, 1, (size_t)facts.st_size, file) : 0;
	fclose(file);
	return bytes;
}

/* Cut a capture behind every even or every odd number of bytes; @ran counts. Return: how many
   claims did not hold. */
static unsigned cut_everywhere(const char *name, const uint8_t *bytes, size_t count, bool odd,
			       unsigned *ran)
{
	int fd = memfd_create("cut", 0);
	unsigned broken = 0;
	char path[32];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	for (size_t kept = 0; kept <= count; kept++) {
		if (kept > 0 && pwrite(fd, bytes + kept - 1, 1, (off_t)kept - 1) != 1)
			abort();
		if (kept % 2 != odd)
			continue;

		struct outcome file = run(path, "json");
		struct outcome piped = run_pipe(bytes, kept, "json");

		if (++*ran % TEXT_EVERY == 0 && run(path, "text").status != file.status)
			file.status = -1;
		if ((file.status != 0 && file.status != 3) || file.status != piped.status ||
		    file.written != piped.written) {
			printf("%s cut at %zu: file %d, pipe %d\n", name, kept, file.status,
			       piped.status);
			broken++;
		}
	}
	close(fd);
	return broken;
}

int main(int argc, char **argv)
{
	const char *corpus = getenv("TCPWHY_CORPUS");
	unsigned broken = 0, captures = 0, ran = 0;
	bool odd;
	char path[4096];

	if (argc != 3 || (strcmp(argv[2], "even") != 0 && strcmp(argv[2], "odd") != 0)) {
		fputs("usage: cut_test SOURCE-ROOT even|odd\n", stderr);
		return 2;
	}
	odd = strcmp(argv[2], "odd") == 0;

	sink_fd = memfd_create("report", 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t count;

		if (corpus)
			snprintf(path, sizeof(path), "%s/captures/%s", corpus, names[i]);
		else
			snprintf(path, sizeof(path), "%s/../shared/captures/%s", argv[1], names[i]);

		uint8_t *bytes = load(path, &count);

		if (!bytes)
			continue;
		broken += cut_everywhere(names[i], bytes, count, odd, &ran);
		captures++;
		free(bytes);
	}
	if (captures == 0) {
		puts("skipped: no public captures (TCPWHY_CORPUS)");
		return SKIPPED;
	}
	printf("%u captures, %u cuts, %u not as they should be\n", captures, ran, broken);
	return broken > 0;
}
