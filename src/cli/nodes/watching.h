/*
 * watching - the nodes that `watch` shows, kept up to date by two streams
 *
 * What the hub sends goes into a list of nodes, sorted by name; the picture is made of
 * that list by watch_view.h.
 */
#pragma once

#include <stdbool.h>

#include "cli/nodes/panel.h"
#include "cli/nodes/values.h"
#include "roost/v1/nodes.pb-c.h"
#include "wire/grpc.h"

struct cli;
struct watching;

/* One node. */
struct watched {
    char *name; /* owned, as are these */
    char *title;
    char *address;
    char *version;
    bool online;
    int64_t since_ms; /* online since, or last seen; -1: never */
    struct values values;
    struct panel_history history;
};

/* What came; each may be followed by a redraw. */
struct watching_events {
    void (*on_change)(void *user);
    /* New values of one node. */
    void (*on_values)(void *user, const struct watched *node);
    /* A stream ended: the status and why. After it watching_stop() is due. */
    void (*on_end)(void *user, enum grpc_status status, const char *message);
};

/* An empty list for this selection; events and user outlive it. */
struct watching *watching_new(struct cli *cli,
                              const char *selection,
                              const struct watching_events *events,
                              void *user);
struct watching *watching_free(struct watching *watching);

/* Starts both streams on the present connection; stops them. What was learnt stays. */
void watching_start(struct watching *watching);
void watching_stop(struct watching *watching);

/* Is the list complete? */
bool watching_is_complete(const struct watching *watching);

size_t watching_count(const struct watching *watching);
const struct watched *watching_at(const struct watching *watching, size_t i);
