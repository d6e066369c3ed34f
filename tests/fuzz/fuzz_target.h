/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_FUZZ_FUZZ_TARGET_H
#define TCPWHY_TESTS_FUZZ_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* What every target defines: run one input. @data has exactly @size bytes. Return: 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: the name is libFuzzer's */

#endif /* TCPWHY_TESTS_FUZZ_FUZZ_TARGET_H */
