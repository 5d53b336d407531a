/*
 * watch_view - the picture that `watch` shows
 */
#pragma once

#include "base/buf.h"
#include "cli/terminal/terminal.h"

struct watching;

struct watch_view {
    const char *hub;    /* borrowed: its URL */
    const char *notice; /* borrowed; in the place of the key help; may be NULL */
    size_t chosen;      /* the marked node */
    bool is_open;       /* show that node alone */
    bool is_fixed;      /* only one node was asked for: there is no way back */
};

/* Appends a frame of at most terminal.rows lines. */
void watch_view_draw(const struct watch_view *view,
                     const struct terminal *terminal,
                     const struct watching *watching,
                     struct buf *out);

/* Appends the plain table of all nodes, for output that is no screen. */
void watch_view_print(const struct terminal *terminal,
                      const struct watching *watching,
                      struct buf *out);
