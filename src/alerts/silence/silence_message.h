/*
 * silence_message - a silence as a message
 */
#pragma once

#include "google/protobuf/timestamp.pb-c.h"
#include "roost/v1/alerts.pb-c.h"

struct silence;

/* Borrows the silence's texts. */
struct silence_message {
    Roost__V1__Silence silence;
    Google__Protobuf__Timestamp starts;
    Google__Protobuf__Timestamp ends;
};

void silence_message_init(struct silence_message *message, const struct silence *silence);

/*
 * The silence that a request asks for, from now on unless it says otherwise: NULL and
 * *ret_why, a text to free. One of an incident alone is not meant here.
 */
struct silence *silence_message_read(const Roost__V1__PutSilenceRequest *request,
                                     const char *created_by,
                                     int64_t now_ms,
                                     char **ret_why);
