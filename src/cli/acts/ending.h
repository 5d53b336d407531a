/*
 * ending - what the commands that restart hosts and turn them off share
 */
#pragma once

#include "cli/args.h"

struct cli;

/* What both do, for their help. */
#define ENDING_DETAILS                                                                   \
    "The host's policy must allow it (on the host: roost-agent allow power). It is\n"    \
    "done by logind where there is one, else by the system's commands. What is "         \
    "planned\n"                                                                          \
    "with logind happens also when the agent stops meanwhile. A program may hold it\n"   \
    "up, such as a package manager at work; --force goes ahead."

/* The options of both; the table of a command needs them when it is built. */
#define ENDING_OPTIONS                                                                   \
    { "in", 0, "DURATION", "not before then: 5m, 2h, at most a week (at once)" },        \
        { "message", 'm', "TEXT", "what those who are logged in are told" },             \
        { "force", 0, NULL,                                                              \
          "in spite of what holds it up, such as an update that runs" },                 \
        { "cancel", 0, NULL, "take a planned reboot or shutdown back" }, {               \
        "status", 0, NULL, "what is planned, and what would hold it up"                  \
    }

/* Runs the command; verb: "reboot", method: "/roost.v1.Power/Reboot". */
int ending_run(struct cli *cli, const char *verb, const char *method);
