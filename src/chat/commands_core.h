/*
 * commands_core - what the engine itself says by buttons, and how a question is left
 */
#pragma once

#include "chat/command.h"

extern const struct command commands_core[]; /* cancel, and hidden ones */
