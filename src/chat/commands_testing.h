/*
 * commands_testing - a few commands, in the place of the real ones, for tests
 */
#pragma once

#include <stdbool.h>

#include "chat/command.h"

/* What they did; the test has it, and zeroes it. */
extern struct commands_did {
    unsigned statuses;
    unsigned kills;
    char last[256];
    char operation[64];
    bool was_again;
} commands_did;
