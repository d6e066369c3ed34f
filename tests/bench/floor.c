/* SPDX-License-Identifier: BSD-2-Clause */
/* floor FILE.pcap: the least that any program must do with a capture: read it, find every record,
   touch every TCP header. What a measurement is held against; knows Ethernet and the machine's byte
   order. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 20)
#define FILE_HEADER  24
#define RECORD_HEAD  16

static uint8_t buffer[BUFFER_BYTES];

/* The control bits of a frame's TCP header, at the place where plain IPv4 has it. */
static uint64_t touch(const uint8_t *frame, uint32_t bytes)
{
	return bytes > 47 ? frame[47] : 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	size_t kept = 0, skip = FILE_HEADER;
	uint64_t sum = 0, records = 0;
	ssize_t got;

	if (fd < 0) {
		fprintf(stderr, "usage: floor FILE.pcap\n");
		return 2;
	}
	while ((got = read(fd, buffer + kept, BUFFER_BYTES - kept)) > 0) {
		size_t at = skip, end = kept + (size_t)got;
		uint32_t bytes;

		skip = 0;
		while (end - at >= RECORD_HEAD) {
			memcpy(&bytes, buffer + at + 8, sizeof(bytes));
			if (bytes > BUFFER_BYTES / 2)
				return 3;
			if (end - at < RECORD_HEAD + bytes)
				break;
			sum += touch(buffer + at + RECORD_HEAD, bytes);
			records++;
			at += RECORD_HEAD + bytes;
		}
		kept = end - at;
		memmove(buffer, buffer + at, kept);
	}
	printf("%llu records, %llu\n", (unsigned long long)records, (unsigned long long)sum);
	close(fd);
	return 0;
}
