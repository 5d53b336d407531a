/*
 * grpc - what gRPC adds to HTTP/2, without I/O
 *
 * Length-prefixed messages with identity and gzip, status codes, the timeout header, and
 * the percent-encoding of messages (gRPC over HTTP/2, PROTOCOL-HTTP2.md).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pipe.h"

enum grpc_status {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
};

enum grpc_encoding { GRPC_IDENTITY, GRPC_GZIP };

enum {
    GRPC_E_MORE = 1, /* no whole message yet */
    GRPC_E_TOO_LONG, /* over the limit, packed or unpacked: RESOURCE_EXHAUSTED */
    GRPC_E_BAD, /* unknown flag, damaged gzip, or compressed without an encoding: INTERNAL
                 */
};

/* "NOT_FOUND" for 5; "UNKNOWN" for numbers outside the table. */
const char *grpc_status_name(int status);

/* "5" for 5, as in grpc-status; "2" likewise. */
const char *grpc_status_number(int status);

/* The status that an HTTP status stands for when no grpc-status came
 * (http-grpc-status-mapping.md). */
enum grpc_status grpc_status_of_http(int http_status);

/* The HTTP status of the Connect protocol for a gRPC status, and its code in words
 * ("not_found", "ok" for 0). Numbers outside the table are GRPC_UNKNOWN. */
int grpc_http_of_status(int status);
const char *grpc_connect_code(int status);

/*
 * Appends a whole message with its prefix. What gzip does not make smaller goes as it is,
 * which the prefix says. Messages are under 4 GiB.
 */
void grpc_message_add(struct buf *out, struct slice message, enum grpc_encoding encoding);

/*
 * Takes the next message from the pipe and writes it to ret_message (cleared first). The
 * pipe is dropped by *ret_taken bytes in all, for flow control. 0 or GRPC_E_*: with
 * GRPC_E_MORE the pipe is as it was; the others are for good, nothing more can be taken
 * from the pipe.
 *
 * The limit is checked as soon as the prefix is there, so no more than message_max + 5
 * bytes need ever wait in the pipe, and again while gzip unfolds.
 */
int grpc_message_take(struct pipe *in,
                      enum grpc_encoding encoding,
                      size_t message_max,
                      struct buf *ret_message,
                      size_t *ret_taken);

/* Parses "grpc-encoding": false for one that we lack (UNIMPLEMENTED). NULL is identity.
 */
bool grpc_encoding_parse(const char *text, enum grpc_encoding *ret_encoding);

/* "100m" -> milliseconds, rounded up, at least 1 for what is over 0. False when malformed
 * (8 digits, one of HMSmun). */
bool grpc_timeout_parse(const char *text, uint64_t *ret_ms);

/* Milliseconds as a grpc-timeout value, 8 digits at most, in a coarser unit rounded up;
 * ret_text holds 16 bytes. */
void grpc_timeout_write(uint64_t ms, char ret_text[static 16]);

/*
 * Percent-encodes a grpc-message for the wire, and back. Bad escapes stay as they are,
 * and so does %00. What comes back is the peer's: it may hold control characters.
 */
void grpc_text_encode(struct buf *out, const char *text);
void grpc_text_decode(struct buf *out, const char *text);

/* "application/grpc" with or without "+proto" (not "+json"): false for others. */
bool grpc_is_content_type(const char *content_type);
