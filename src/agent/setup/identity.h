/*
 * identity - what the agent knows of itself and its hub, kept in its state folder
 *
 * DIR/identity, one "key = value" a line, mode 0600, replaced at once: the hub's
 * addresses, its pins, the credential, the node's name and the instance id. The instance
 * is made at the first join and stays.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/token.h"

enum {
    IDENTITY_PINS_MAX = 4,
    IDENTITY_INSTANCE_LEN = 32, /* 16 random bytes in hex */
};

enum {
    IDENTITY_E_NONE = 1, /* the agent has not joined */
    IDENTITY_E_DAMAGED,  /* the file is not one of ours */
};

struct identity {
    struct address
        addresses[TOKEN_LINK_ADDRESSES_MAX]; /* of the hub, in the order to try */
    size_t address_count;
    char pins[IDENTITY_PINS_MAX][TOKEN_PIN_LEN + 1];
    size_t pin_count; /* 0: system CAs and host name (#web) */
    char credential[TOKEN_LEN + 1];
    char name[64];
    char instance[IDENTITY_INSTANCE_LEN + 1];
    char secret_id[TOKEN_ID_LEN + 1]; /* of the AGENT_SECRET that made it at first
                                         contact; "" when a link did */
};

/* 0, -errno or IDENTITY_E_*. */
int identity_load(const char *dir, struct identity *ret_identity);

/* Makes the folder too (0700). 0 or -errno. */
int identity_save(const char *dir, const struct identity *identity);

/*
 * Saves what a running agent learned, unless the host has joined anew meanwhile: then the
 * folder knows better, and stays. 0 or -errno.
 */
int identity_update(const char *dir, const struct identity *identity);

/* Do both reach the same hub with the same credential? */
bool identity_is_same(const struct identity *a, const struct identity *b);

/* Gives the identity a fresh instance id. */
void identity_make_instance(struct identity *identity);

/* Replaces the pins; false when one is none or there are too many. */
bool identity_set_pins(struct identity *identity, char *const *pins, size_t count);
