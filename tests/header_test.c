/* SPDX-License-Identifier: BSD-2-Clause */
/* The public header stands alone, and the library is what it says. Compiled as C and as C++. */
#include <tcpwhy.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
	struct tcpwhy_options options = TCPWHY_OPTIONS;
	struct tcpwhy_stats stats;
	struct tcpwhy *why = tcpwhy_new(&options);
	char version[32];

	snprintf(version, sizeof(version), "%d.%d.%d", TCPWHY_VERSION_MAJOR, TCPWHY_VERSION_MINOR,
		 TCPWHY_VERSION_PATCH);
	if (!why || strcmp(version, tcpwhy_version()) != 0) {
		fprintf(stderr, "header %s, library %s\n", version, tcpwhy_version());
		return 1;
	}
	memset(&stats, 0, sizeof(stats));
	stats.size = sizeof(stats);
	tcpwhy_finish(why);
	tcpwhy_read_stats(why, &stats);
	tcpwhy_free(why);
	return stats.frames == 0 ? 0 : 1;
}
