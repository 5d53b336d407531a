/*
 * output - messages and texts as JSON on standard output
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "wire/pb.h"

/* Prints the message as proto3 JSON and a newline, defaults included; pretty spreads it
 * over lines. The exit status, after telling what cannot be printed. */
int output_message(const ProtobufCMessage *message, bool pretty);

/* Appends the same without a newline: 0, or the exit status. */
int output_add_message(struct buf *out, const ProtobufCMessage *message, bool pretty);

/* Appends the text as a JSON string. */
void output_add_string(struct buf *out, const char *text);
