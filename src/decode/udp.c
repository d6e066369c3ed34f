/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

enum layer udp_decode(struct walk *walk)
{
	return walk_stop(walk, DECODE_NOT_TCP);
}
