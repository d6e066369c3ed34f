/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CMD_CMD_H
#define TCPWHY_CMD_CMD_H

/* The commands, one file each; main.c lists them. Return: the exit status (0 done, 1 --fail-on, 2,
 * 3, 4: base/err.h). */
int cmd_read(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_server(int argc, char **argv);
int cmd_client(int argc, char **argv);
int cmd_send(int argc, char **argv);

#endif /* TCPWHY_CMD_CMD_H */
