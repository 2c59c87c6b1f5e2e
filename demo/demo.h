/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * zvm-demo: two processes that share and hand over memory the Zircon way.
 *
 * first.c is the story of the process that the user starts, second.c that of
 * the program it starts; snapshot.c is the last scene of both. They say what they
 * do and check what comes of it.
 */
#ifndef ZVM_DEMO_H
#define ZVM_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zvm.h>

#define GREETING "mapped here from outside, by another process"

/* The stories; they return the program's exit status. */
int first(const char *path, const char *sum);
int second(int sock, const char *sum);

/* Snapshots of what the other process keeps writing (snapshot.c). */
void take_snapshots(int sock);
void keep_writing(int sock);

/* ---- telling (tell.c) --------------------------------------------------- */

/* Who speaks from now on. */
void tell_as(const char *who);

/* Say what is done. */
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Say what was expected, and whether it came true; counts failures. */
void check(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A call that has to give @want: as check(). */
void check_status(zx_status_t want, zx_status_t got, const char *what);

/* A call without which there is no point in going on. */
void must(zx_status_t status, const char *what);
void must_errno(bool good, const char *what);

/* 0 if no check has failed, else 1. */
int verdict(void);

/* ---- small things (tell.c) ---------------------------------------------- */

/* The name of a VMO. */
struct vmo_name {
	char text[ZX_MAX_NAME_LEN];
};

struct vmo_name vmo_name(zx_handle_t vmo);

/* Store a byte at @addr; the signal that prevented it, and the address it gave. */
int try_write(volatile char *addr, void **fault_addr);

/* One word between the processes; there is one kind of message at a time. */
void send_word(int sock, uint64_t word);
uint64_t receive_word(int sock);
/* Is there one to be received? */
bool word_waits(int sock);

#endif /* ZVM_DEMO_H */
