/*
 * report - exit statuses, and how a failure is told
 *
 * A failure is two lines on standard error: "roost: WHAT: WHY", then "try: COMMAND". What
 * a hub says goes through here without control characters, so that it cannot play with
 * the terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "wire/grpc.h"

struct cli;

enum report_exit {
    REPORT_OK = 0,
    REPORT_FAILED = 1,
    REPORT_USAGE = 2,
    REPORT_NO_HUB = 3, /* no hub, or not logged in */
    REPORT_NOT_FOUND = 4,
    REPORT_DENIED = 5,
    REPORT_OFFLINE = 6,
    REPORT_TIMEOUT = 7,
    REPORT_PARTLY = 8,
    REPORT_CALL = 64, /* `roost call`: plus the gRPC status */
};

/* Tells what failed and returns code. remedy is a command to try, or NULL. */
int report_fail(enum report_exit code, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line for the person beside what a script reads. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says that there is nothing, and what to do about it. */
void report_hint(const char *text, const char *remedy);

/* The exit status of what was done count times, and failed so often, at last with this.
 */
int report_exit_of_many(size_t failed, size_t count, int last);

/* Does it with each word of the command, whatever becomes of the others: the exit status
 * of all. act: 0, or one after telling; arg is handed to it. */
int report_each(struct cli *cli,
                int (*act)(struct cli *cli, const char *word, const void *arg),
                const void *arg);

/* The exit status that a gRPC status means for any command but `call`. */
enum report_exit report_exit_of(enum grpc_status status);

/* Was a closed standard output (`roost ... | head`) or a full disk met? Flushes it. */
bool report_is_output_over(void);

/* Flushes standard output: code, or REPORT_FAILED when it could not be written. A reader
 * that has gone is no failure. */
int report_finish(int code);
