/*
 * message - a rendered view as a call of the Bot API: the method and its parameters
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "chat/telegram/api.h"

struct render;

struct message_order {
    const struct render *render;
    const char *chat;
    const char *topic;    /* "" */
    const char *reply_to; /* NULL or "" */
    const char *message;  /* to be edited; NULL: a new one */
    const char *file_id;  /* of the first file, known there already; NULL */
    bool is_plain;        /* without marks: they were not understood */
    bool is_bare;         /* without buttons: they were not */
};

/* Puts the parameters in the form and returns the method. Contents of files are lent by
 * the render. */
const char *message_write(const struct message_order *order, struct api_form *form);
