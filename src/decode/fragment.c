/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/fragment.h"

enum fragment_result fragment_take(struct walk *walk, struct fragment *fragment)
{
	(void)fragment;
	walk_count(walk, DECODE_FRAGMENT);
	return FRAGMENT_KEPT;
}
