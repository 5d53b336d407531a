/*
 * look_pages - long lists, cut into pages with buttons to walk
 */
#pragma once

#include <stddef.h>

struct turn;
struct view;

struct look_pages {
    size_t first; /* item of this page */
    size_t end;   /* behind the last one */
    size_t page;  /* from 1 */
    size_t count; /* of pages, at least 1 */
};

/* The page that --page asks for, of so many items. */
struct look_pages look_pages_of(const struct turn *turn, size_t items, size_t per_page);

/* A row of buttons (back, "2/5", on) if there are several pages; action is the command
 * line without --page. */
void look_pages_add(const struct look_pages *pages,
                    struct view *view,
                    const char *action);
