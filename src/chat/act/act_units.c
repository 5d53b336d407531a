#include "chat/act/act_units.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/act/act_unit.h"
#include "roost/v1/units.pb-c.h"

enum { PAGE_LEN = 10, FILTER_MAX = 100 };

struct listing {
    char *filter; /* owned; "" */
    uint64_t page;
    bool only_failed;
};

static void end_listing(void *state) {
    struct listing *listing = state;
    free(listing->filter);
}

/* Failed first, then what changes, what runs, what does not. */
static int rank(const Roost__V1__Unit *unit) {
    if (strcmp(unit->active_state, "failed") == 0)
        return 0;
    if (strcmp(unit->active_state, "active") == 0)
        return 2;
    return strcmp(unit->active_state, "inactive") == 0 ? 3 : 1;
}

static int by_rank(const void *one, const void *other) {
    const Roost__V1__Unit *a = *(Roost__V1__Unit *const *)one;
    const Roost__V1__Unit *b = *(Roost__V1__Unit *const *)other;
    int difference = rank(a) - rank(b);

    return difference != 0 ? difference : strcmp(a->name, b->name);
}

/* "units nas" with the filter, and the page when there is one. A new string. */
static char *line_of(const struct turn *turn,
                     const struct listing *listing,
                     uint64_t page) {
    struct buf out = { 0 };

    buf_printf(&out, "%s %s", listing->only_failed ? "failed" : "units", turn_node(turn));
    if (listing->filter[0]) {
        buf_add_byte(&out, ' ');
        view_quote(&out, listing->filter);
    }
    if (page > 0)
        buf_printf(&out, " --page %llu", (unsigned long long)page);
    return buf_take_text(&out);
}

static void add_unit(struct turn *turn, struct view *view, const Roost__V1__Unit *unit) {
    auto_(mem_freep) char *name = act_text_quote(unit->name);
    const char *dot = strrchr(unit->name, '.');
    bool is_service = dot && strcmp(dot, ".service") == 0;
    auto_(mem_freep) char *label = mem_printf(
        "%s %.*s", act_unit_mark(unit->active_state),
        (int)(is_service ? dot - unit->name : (ptrdiff_t)strlen(unit->name)), unit->name);
    auto_(mem_freep) char *cut = act_text_cut(label, 60);

    view_button(view, VIEW_PLAIN, cut, "service %s %s", turn_node(turn), name);
}

static void add_pages(struct turn *turn,
                      struct view *view,
                      const struct listing *listing,
                      uint64_t pages) {
    if (pages < 2)
        return;
    view_row(view);
    if (listing->page > 0) {
        auto_(mem_freep) char *before = line_of(turn, listing, listing->page - 1);
        view_button(view, VIEW_PLAIN, "◀", "%s", before);
    }
    if (listing->page + 1 < pages) {
        auto_(mem_freep) char *after = line_of(turn, listing, listing->page + 1);
        view_button(view, VIEW_PLAIN, "▶", "%s", after);
    }
}

static void add_ways(struct turn *turn,
                     struct view *view,
                     const struct listing *listing,
                     size_t failed) {
    auto_(mem_freep) char *again = line_of(turn, listing, listing->page);

    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "refresh"), "%s", again);
    if (!listing->only_failed && failed > 0)
        view_button(view, VIEW_PLAIN, turn_say(turn, "only failed"), "failed %s",
                    turn_node(turn));
    if (listing->only_failed || listing->filter[0])
        view_button(view, VIEW_PLAIN, turn_say(turn, "all"), "units %s", turn_node(turn));
    auto_(mem_freep) char *back = mem_printf("node %s", turn_node(turn));
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ back"), "%s", back);
}

static void add_head(struct turn *turn,
                     struct view *view,
                     const struct listing *listing,
                     const Roost__V1__ListUnitsResponse *list,
                     size_t failed,
                     uint64_t pages) {
    if (listing->filter[0])
        view_title(view, turn_say(turn, "%s: services with \"%s\""), turn_node(turn),
                   listing->filter);
    else if (listing->only_failed)
        view_title(view, turn_say(turn, "%s: failed services"), turn_node(turn));
    else
        view_title(view, turn_say(turn, "%s: services"), turn_node(turn));
    if (list->n_units == 0)
        view_text(view, "%s",
                  listing->only_failed ? turn_say(turn, "✅ None has failed.")
                                       : turn_say(turn, "There is none like that."));
    else
        view_text(view, turn_say(turn, "%zu in all, %zu failed"), list->n_units, failed);
    if (pages > 1)
        view_note(view, turn_say(turn, "page %llu of %llu"),
                  (unsigned long long)listing->page + 1, (unsigned long long)pages);
}

static void show_list(struct turn *turn,
                      struct listing *listing,
                      const Roost__V1__ListUnitsResponse *list) {
    uint64_t pages = (list->n_units + PAGE_LEN - 1) / PAGE_LEN;
    struct view *view = view_new();
    size_t failed = 0;

    if (list->n_units > 1)
        qsort(list->units, list->n_units, sizeof(Roost__V1__Unit *), by_rank);
    for (size_t i = 0; i < list->n_units; i++)
        failed += rank(list->units[i]) == 0;
    if (listing->page >= pages) /* there are fewer by now */
        listing->page = pages > 0 ? pages - 1 : 0;
    add_head(turn, view, listing, list, failed, pages);
    size_t first = (size_t)listing->page * PAGE_LEN;
    for (size_t i = first; i < list->n_units && i < first + PAGE_LEN; i++) {
        if ((i - first) % 2 == 0)
            view_row(view);
        add_unit(turn, view, list->units[i]);
    }
    add_pages(turn, view, listing, pages);
    add_ways(turn, view, listing, failed);
    turn_show(turn, view);
}

static void on_list(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    auto_(mem_freep) char *back = mem_printf("node %s", turn_node(turn));
    struct listing *listing = arg;

    if (status == GRPC_OK) {
        show_list(turn, listing, (const Roost__V1__ListUnitsResponse *)reply);
        return;
    }
    auto_(mem_freep) char *what =
        mem_printf(turn_say(turn, "%s: services"), turn_node(turn));
    auto_(mem_freep) char *again = line_of(turn, listing, listing->page);
    if (status == GRPC_UNIMPLEMENTED)
        message = turn_say(turn, "This host has no systemd.");
    act_call_fail(turn, status, message, what, again, back);
}

static void list(struct turn *turn, bool only_failed) {
    Roost__V1__ListUnitsRequest request = ROOST__V1__LIST_UNITS_REQUEST__INIT;
    struct listing *listing = turn_state(turn, sizeof(*listing), end_listing);
    const char *filter = turn_word(turn, 0);
    const char *page = turn_flag(turn, "page");
    char service[] = "service";
    char *types[] = { service };

    if (page && !act_text_number(page, 10000, &listing->page)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no number of a page"), page);
        return;
    }
    listing->only_failed = only_failed;
    listing->filter = act_text_cut(filter ? filter : "", FILTER_MAX);
    request.filter = listing->filter;
    request.active_state = only_failed ? "failed" : "";
    if (!only_failed) {
        request.types = types;
        request.n_types = 1;
    }
    turn_call(turn, turn_node(turn), "/roost.v1.Units/List", &request.base, on_list,
              listing);
}

void act_units_list(struct turn *turn) {
    list(turn, false);
}

void act_units_failed(struct turn *turn) {
    list(turn, true);
}
