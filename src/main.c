/* SPDX-License-Identifier: BSD-2-Clause */
/* The command table, nothing else. */
#include <stdio.h>

int main(void)
{
	fputs("tcpwhy: no command is built yet\n", stderr);
	return 2;
}
