/*
 * command - the one table of what can be said
 *
 * Help, the menus of the platforms and the engine are made from it. A command runs in a
 * turn (turn.h). What a line lacks is asked for: the node by the engine, the rest by the
 * command itself (turn_ask).
 */
#pragma once

#include <stdbool.h>

#include "rpc/actor.h"

struct turn;

enum command_place {
    COMMAND_ANYWHERE,
    COMMAND_PRIVATE, /* where nobody else reads: keys, codes */
    COMMAND_GROUP,
};

struct command {
    const char *name;     /* "units"; ASCII, a-z 0-9 _ */
    const char *aliases;  /* "services service"; NULL: none */
    const char *grammar;  /* "[NODE] [NAME]", for help; "" without arguments */
    const char *help;     /* one line, English: translated by words.h */
    enum actor_role role; /* at least, on some node, for it to be shown; NOBODY: anyone */
    enum command_place place;
    bool takes_node;  /* the first word may be one; else the chat's own, or it is asked */
    bool takes_nodes; /* it may be several: "nas,pi", "pi*", "@home" */
    bool is_hidden;   /* not in help and menus: what buttons of views say */
    bool is_for_all;  /* strangers too */
    bool is_for_admin; /* of the hub */
    /* Safe to do twice, for it only shows or sets: after a crash it is done again. Others
     * must pass turn_operation() on, or are told as unclear. */
    bool is_repeatable;
    void (*run)(struct turn *turn);
};

/* The tables; each ends with a NULL name. */
extern const struct command commands_people[]; /* start, help, newkey, grant, settings */
extern const struct command commands_look[];   /* status, metrics, plot, ps, logs, call */
extern const struct command commands_act[];    /* kill, units, power, tests */
extern const struct command commands_alert[];  /* alerts, rules, ack, silence */

/* By name or alias, whatever its case; NULL. */
const struct command *command_find(const char *word);

/* Walks all tables: *at starts at 0; NULL at the end. */
const struct command *command_next(unsigned *at);

/* The command whose name is nearest to what was typed; NULL: none is near. */
const struct command *command_guess(const char *word);
