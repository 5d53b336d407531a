/*
 * refusal - what an error of the Bot API means for the message that met it
 */
#pragma once

#include "chat/telegram/api.h"

enum refusal {
    REFUSAL_NONE,     /* it is done, or was so already */
    REFUSAL_WAIT,     /* too many: after retry_after_s */
    REFUSAL_TROUBLE,  /* the network, or their servers: again, later */
    REFUSAL_TOKEN,    /* the token counts no more */
    REFUSAL_MOVED,    /* the chat has another id: migrate_to */
    REFUSAL_NOBODY,   /* blocked, removed, not found */
    REFUSAL_GONE,     /* the message to be edited is not there, or not ours to edit */
    REFUSAL_NOT_TEXT, /* the message to be edited has a picture */
    REFUSAL_TOPIC,    /* the topic is not there */
    REFUSAL_FILE,     /* a file's id counts no more */
    REFUSAL_MARKS,    /* our HTML was not understood */
    REFUSAL_BUTTONS,  /* our buttons were not */
    REFUSAL_TOO_LONG,
    REFUSAL_FOR_GOOD, /* anything else: again would be no better */
};

enum refusal refusal_of(const struct api_reply *reply);
