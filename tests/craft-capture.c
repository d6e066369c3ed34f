/* SPDX-License-Identifier: BSD-2-Clause */
/* craft-capture FILE.txt... OUT.pcap: captures kept as text (docs/notation.md) as one pcap file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "craft/capture.h"
#include "craft/pcap.h"

/* Between one file's last frame and the next one's first. */
#define GAP_NS NSEC_PER_SEC

static char *read_text(const char *path, struct err *err)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!file || (getdelim(&text, &room, '\0', file) < 0 && ferror(file))) {
		err_set(err, ERR_SYSTEM, "cannot read it: %s", strerror(errno));
		err_at(err, "%s", path);
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

static bool add_file(struct craft_capture **all, const char *path, struct err *err)
{
	char *text = read_text(path, err);
	struct craft_capture *one = text ? craft_capture_text(path, text, err) : NULL;
	bool ok = one != NULL;

	free(text);
	if (*all) {
		ok = ok && craft_capture_append(*all, one, GAP_NS, err);
		craft_capture_free(one);
	} else {
		*all = one;
	}
	return ok;
}

static bool write_file(const char *path, const struct craft_capture *all, struct err *err)
{
	size_t count = 0;
	uint8_t *bytes = pcap_craft(all->frames, all->frame_count, all->script.link_type, &count);
	FILE *file = bytes ? fopen(path, "w") : NULL;
	bool ok = file && fwrite(bytes, 1, count, file) == count;

	if (file && fclose(file) != 0)
		ok = false;
	free(bytes);
	if (!ok) {
		err_set(err, ERR_SYSTEM, "cannot write it: %s", strerror(errno));
		err_at(err, "%s", path);
	}
	return ok;
}

int main(int argc, char **argv)
{
	struct craft_capture *all = NULL;
	struct err err = { 0 };
	bool ok = true;

	if (argc < 3) {
		fprintf(stderr, "usage: craft-capture FILE.txt... OUT.pcap\n");
		return 2;
	}
	for (int i = 1; ok && i < argc - 1; i++)
		ok = add_file(&all, argv[i], &err);
	ok = ok && write_file(argv[argc - 1], all, &err);
	craft_capture_free(all);
	if (!ok)
		err_print(stderr, "craft-capture", &err);
	return err_exit_status(&err);
}
