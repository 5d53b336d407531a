/*
 * systemd_fault - why systemd did not do something, for a program and for a person
 *
 * Turns the names of D-Bus errors into gRPC statuses, and adds what helps.
 */
#pragma once

#include <stdbool.h>

#include "wire/grpc.h"

/* What a call came to; the text is owned by whoever holds the fault. */
struct systemd_fault {
    enum grpc_status status;
    const char *text; /* a sentence without a full stop */
};

/* The status for the error's name, "org.freedesktop.systemd1.NoSuchUnit". */
enum grpc_status systemd_fault_status(const char *name);

/* The sentence for it: message is systemd's own, or NULL. To be freed. */
char *systemd_fault_text(const char *name, const char *message, bool is_user);

/* Why there is no connection: error is an errno, has_systemd whether systemd runs the
 * host (or, of a user, has a manager for it). */
enum grpc_status systemd_fault_connect_status(bool has_systemd);
char *systemd_fault_connect_text(int error, bool has_systemd, bool is_user);
