/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_CONN_HASH_H
#define TCPWHY_TESTS_CONN_HASH_H

#include "judge/verdict.h"
#include "track/conn.h"

/* Mix a value into a hash, and all facts of a record, told in JSON or not: for comparing. */
void hash_mix(uint64_t *hash, uint64_t value);
void conn_hash(uint64_t *hash, const struct conn *conn);

/* Mix in what an outline of a connection has to say (conn.outline), of an outline or of all. */
void outline_hash(uint64_t *hash, const struct conn *conn, const struct judgement *judgement);

#endif /* TCPWHY_TESTS_CONN_HASH_H */
