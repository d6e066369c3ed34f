/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_draws_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool terminal_may_color(void)
{
	const char *no_color = getenv("NO_COLOR"); /* NOLINT(concurrency-mt-unsafe): one thread */

	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
}
