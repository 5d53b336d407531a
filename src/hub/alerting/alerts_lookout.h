/*
 * alerts_lookout - asks nodes what rules want to know and samples do not tell
 *
 * Failed units, probes from the node and the ends of certificates: each node that has
 * such rules is asked once a minute (of certificates once an hour), nodes after each
 * other and few at the same time; of more than 50 questions of one node, 50 a minute in
 * turn. One whose policy or version says no to a question is left alone with it for an
 * hour, or until its link is another. It asks in the hub's own name and is in no record
 * of acts; what the node's policy says holds for it as for anybody.
 */
#pragma once

struct alerts;
struct alerts_lookout;
struct loop;
struct registry;
struct timekeeper;

struct alerts_lookout_config { /* all borrowed, all outlive it */
    struct loop *loop;
    struct registry *registry;
    struct alerts *alerts;
    const struct timekeeper *timekeeper;
    unsigned round_ms; /* between two looks at a node; 0: a minute */
};

struct alerts_lookout *alerts_lookout_new(const struct alerts_lookout_config *config);

/* What is under way is forgotten. NULL is fine; always returns NULL. */
struct alerts_lookout *alerts_lookout_free(struct alerts_lookout *lookout);
