#include "chat/look/look_processes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_pages.h"
#include "chat/look/look_text.h"
#include "roost/v1/processes.pb-c.h"
#include "wire/pb.h"

enum {
    LIST = 0,
    PER_PAGE = 10,
    LIMIT = 200, /* beyond twenty pages nobody walks */
    LOOK_MS = 500,
    A_ROW = 2,
    NAME_MAX_SHOWN = 14, /* the table fits a telephone */
    FILTER_MAX_SHOWN = 32,
};

static const struct order {
    const char *word;
    const char *label; /* English */
    Roost__V1__ProcessSort sort;
} orders[] = {
    { "cpu", "CPU", ROOST__V1__PROCESS_SORT__PROCESS_SORT_CPU },
    { "mem", "RAM", ROOST__V1__PROCESS_SORT__PROCESS_SORT_MEMORY },
    { "time", "CPU time", ROOST__V1__PROCESS_SORT__PROCESS_SORT_TIME },
    { "new", "Newest", ROOST__V1__PROCESS_SORT__PROCESS_SORT_STARTED },
    { "name", "Name", ROOST__V1__PROCESS_SORT__PROCESS_SORT_NAME },
    { "pid", "PID", ROOST__V1__PROCESS_SORT__PROCESS_SORT_PID },
};

enum { ORDERS = sizeof(orders) / sizeof(orders[0]) };

static const struct order *find_order(const struct turn *turn) {
    const char *wish = turn_flag(turn, "sort");

    for (size_t i = 0; wish && i < ORDERS; i++)
        if (strcasecmp(wish, orders[i].word) == 0)
            return &orders[i];
    return wish && strcasecmp(wish, "ram") == 0 ? &orders[1] : &orders[0];
}

/* Whose processes are wanted; "": everybody's. */
static const char *find_user(const struct turn *turn) {
    const char *user = turn_flag(turn, "user");

    if (turn_flag(turn, "mine") && turn_actor(turn))
        return turn_actor(turn)->name;
    return user ? user : "";
}

/* The command line without the flags that it is asked to leave out. A new string. */
static char *make_action(const struct turn *turn, const char *sort, bool is_mine) {
    struct buf action = { 0 };
    const char *user = turn_flag(turn, "user");

    buf_printf(&action, "ps %s", turn_node(turn));
    if (turn_word(turn, 0)) {
        buf_add_byte(&action, ' ');
        view_quote(&action, turn_word(turn, 0));
    }
    buf_printf(&action, " --sort %s", sort);
    if (user && user[0] != '\0' && !is_mine) {
        buf_add_text(&action, " --user ");
        view_quote(&action, user);
    }
    if (is_mine)
        buf_add_text(&action, " --mine");
    return buf_take_text(&action);
}

static void add_row(struct view *view, const Roost__V1__Process *process) {
    auto_(mem_freep) char *name = look_text_cut(process->name, NAME_MAX_SHOWN);
    auto_(mem_freep) char *pid = mem_printf("%" PRIu32, process->pid);
    char cpu[LOOK_TEXT_LEN] = "";
    char memory[LOOK_TEXT_LEN];
    bool has_cpu = process->cpu_percent_known_case ==
                   ROOST__V1__PROCESS__CPU_PERCENT_KNOWN_CPU_PERCENT;
    const char *const cells[] = {
        pid,
        name,
        has_cpu ? look_text_percent(process->cpu_percent, cpu) : "",
        look_text_bytes((double)process->rss_bytes, memory),
    };

    view_cells(view, cells);
}

static void add_process_button(struct view *view,
                               const struct turn *turn,
                               const Roost__V1__Process *process,
                               bool begins_row) {
    auto_(mem_freep) char *name = look_text_cut(process->name, NAME_MAX_SHOWN);
    auto_(mem_freep) char *label = mem_printf("%s %" PRIu32, name, process->pid);

    if (begins_row)
        view_row(view);
    view_button(view, VIEW_PLAIN, label, "process %s %" PRIu32 " %" PRIu64,
                turn_node(turn), process->pid, process->start_ticks);
}

static void add_orders(struct view *view, const struct turn *turn) {
    const struct order *chosen = find_order(turn);
    bool is_mine = turn_flag(turn, "mine") != NULL;

    for (size_t i = 0; i < ORDERS; i++) {
        auto_(mem_freep) char *action = make_action(turn, orders[i].word, is_mine);
        auto_(mem_freep) char *label = mem_printf(
            "%s%s", &orders[i] == chosen ? "• " : "", turn_say(turn, orders[i].label));
        if (i % (ORDERS / 2) == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, label, "%s", action);
    }
}

static void show_list(struct turn *turn, const Roost__V1__ListProcessesResponse *list) {
    struct look_pages pages = look_pages_of(turn, list->n_processes, PER_PAGE);
    bool is_mine = turn_flag(turn, "mine") != NULL;
    auto_(mem_freep) char *action = make_action(turn, find_order(turn)->word, is_mine);
    auto_(mem_freep) char *other = make_action(turn, find_order(turn)->word, !is_mine);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Processes of %s: %u"), turn_node(turn),
               list->host_total);
    if (turn_word(turn, 0)) {
        auto_(mem_freep) char *filter =
            look_text_cut(turn_word(turn, 0), FILTER_MAX_SHOWN);
        view_note(view, turn_say(turn, "With \"%s\": %u"), filter, list->total);
    }
    if (find_user(turn)[0] != '\0') {
        auto_(mem_freep) char *user = look_text_cut(find_user(turn), FILTER_MAX_SHOWN);
        view_note(view, turn_say(turn, "Of the user %s: %u"), user, list->total);
    }
    if (list->n_processes == 0)
        view_text(view, "%s", turn_say(turn, "There are none."));
    else
        view_table(view, "PID", turn_say(turn, "Name"), turn_say(turn, "CPU"),
                   turn_say(turn, "RAM"), (char *)NULL);
    for (size_t i = pages.first; i < pages.end; i++)
        add_row(view, list->processes[i]);
    for (size_t i = pages.first; i < pages.end; i++)
        add_process_button(view, turn, list->processes[i],
                           (i - pages.first) % A_ROW == 0);
    look_pages_add(&pages, view, action);
    add_orders(view, turn);
    view_row(view);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Refresh"), "%s --page %zu", action,
                pages.page);
    view_button(view, VIEW_PLAIN,
                is_mine ? turn_say(turn, "Everybody's") : turn_say(turn, "Only mine"),
                "%s", other);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", turn_node(turn));
    turn_show(turn, view);
}

static void on_list(struct turn *turn, struct look_gather *gather) {
    if (look_gather_fail(gather, turn, LIST, turn_say(turn, "List the processes")))
        return;
    show_list(turn, (const Roost__V1__ListProcessesResponse *)gather->slots[LIST].reply);
}

void look_processes_list(struct turn *turn) {
    struct look_gather *gather = turn_state(turn, sizeof(*gather), look_gather_done);
    Roost__V1__ListProcessesRequest request = ROOST__V1__LIST_PROCESSES_REQUEST__INIT;
    const char *filter = turn_word(turn, 0);

    request.filter = pb_lend(filter);
    request.user = pb_lend(find_user(turn));
    request.sort = find_order(turn)->sort;
    request.limit = LIMIT;
    request.look_ms = LOOK_MS;
    look_gather_start(gather, on_list);
    look_gather_call(gather, turn, LIST, turn_node(turn), "/roost.v1.Processes/List",
                     &request.base);
}

void look_processes_top(struct turn *turn) {
    look_processes_list(turn);
}
