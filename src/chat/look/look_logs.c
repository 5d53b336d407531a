#include "chat/look/look_logs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_pages.h"
#include "chat/look/look_text.h"
#include "chat/values/look_plot_words.h"
#include "roost/v1/units.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    LINES_USUAL = 20,
    LINES_FILE = 1000,
    LINES_MAX = 10000,
    FOLLOWED_LINES = 15, /* shown while it is followed */
    FOLLOW_MS = 30000,
    STEP_MS = 1000,     /* between two edits */
    INLINE_MAX = 3000,  /* bytes; a message of a platform holds about 4000 */
    FILE_MAX = 4 << 20, /* bytes that are kept */
    LINE_MAX_SHOWN = 400,
    UNITS_PER_PAGE = 16,
    UNIT_MAX_SHOWN = 24,
    UNITS = 0,
};

struct reading {
    struct buf lines;
    size_t count;
    size_t left_out; /* lines that were too much */
    bool is_follow;
    bool is_changed; /* since it was shown */
    bool is_over;
};

static void end_reading(void *state) {
    struct reading *reading = state;
    buf_done(&reading->lines);
}

/* "": the whole journal. */
static const char *find_unit(const struct turn *turn) {
    const char *unit = turn_word(turn, 0);
    return unit && strcasecmp(unit, "all") != 0 ? unit : "";
}

/* --- lines --- */

static void add_line(struct reading *reading,
                     const struct turn *turn,
                     const Roost__V1__LogLine *line) {
    char clock[LOOK_TEXT_LEN];

    if (reading->lines.len > FILE_MAX) {
        reading->left_out++;
        return;
    }
    if (line->dropped > 0)
        buf_printf(&reading->lines, turn_say(turn, "(%llu lines were left out)\n"),
                   (unsigned long long)line->dropped);
    if (line->message[0] == '\0' && line->cursor[0] == '\0')
        return;
    buf_printf(&reading->lines, "%s ",
               look_text_clock(turn, timestamp_get(line->time), clock));
    look_text_add(&reading->lines, line->identifier, UNIT_MAX_SHOWN);
    if (line->pid > 0)
        buf_printf(&reading->lines, "[%" PRIu32 "]", line->pid);
    buf_add_text(&reading->lines, ": ");
    look_text_add(&reading->lines, line->message, LINE_MAX_SHOWN);
    buf_add_byte(&reading->lines, '\n');
    reading->count++;
}

/* Where the last lines begin: at most so many, and so many bytes. */
static size_t find_tail(const struct buf *lines, size_t lines_max) {
    size_t at = lines->len;
    size_t count = 0;

    for (size_t i = lines->len; i-- > 0;) {
        if (lines->len - i > INLINE_MAX)
            break;
        if (i == 0 || lines->data[i - 1] == '\n') {
            at = i;
            if (++count == lines_max)
                break;
        }
    }
    return at;
}

static void add_title(struct view *view, const struct turn *turn) {
    auto_(mem_freep) char *unit = look_text_cut(find_unit(turn), UNIT_MAX_SHOWN * 2);

    if (unit[0] == '\0')
        view_title(view, turn_say(turn, "Journal of %s"), turn_node(turn));
    else
        view_title(view, turn_say(turn, "%s of %s: last lines"), unit, turn_node(turn));
}

/* "logs nas nginx.service --grep x": what stays when lines or manner change. */
static char *make_action(const struct turn *turn, bool has_priority) {
    static const char *const flags[] = { "grep", "since", "priority" };
    struct buf action = { 0 };

    buf_printf(&action, "logs %s ", turn_node(turn));
    view_quote(&action, turn_word(turn, 0) ? turn_word(turn, 0) : "all");
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        const char *value = turn_flag(turn, flags[i]);
        if (!value || value[0] == '\0' ||
            (!has_priority && strcmp(flags[i], "priority") == 0))
            continue;
        buf_printf(&action, " --%s ", flags[i]);
        view_quote(&action, value);
    }
    return buf_take_text(&action);
}

static void add_buttons(struct view *view, const struct turn *turn) {
    auto_(mem_freep) char *action = make_action(turn, true);
    auto_(mem_freep) char *any = make_action(turn, false);
    const char *unit = find_unit(turn);

    view_row(view);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Refresh"), "%s", action);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Follow"), "%s --follow", action);
    view_row(view);
    if (turn_flag(turn, "priority"))
        view_button(view, VIEW_PLAIN, turn_say(turn, "All lines"), "%s", any);
    else
        view_button(view, VIEW_PLAIN, turn_say(turn, "Only errors"), "%s --priority err",
                    any);
    view_button(view, VIEW_PLAIN, turn_say(turn, "As a file"), "%s --file", action);
    view_row(view);
    if (unit[0] != '\0' && strcmp(unit, "kernel") != 0) {
        struct buf name = { 0 };
        view_quote(&name, unit);
        view_button(view, VIEW_PLAIN, turn_say(turn, "Service"), "service %s %s",
                    turn_node(turn), buf_text(&name));
        buf_done(&name);
    }
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Logs"), "logs %s", turn_node(turn));
}

/* The lines in the message, the last ones. */
static void add_lines(struct view *view,
                      const struct turn *turn,
                      struct reading *reading,
                      size_t lines_max) {
    if (reading->lines.len == 0) {
        view_text(view, "%s", turn_say(turn, "There are no lines."));
        return;
    }
    size_t at = find_tail(&reading->lines, lines_max);
    auto_(mem_freep) char *tail =
        mem_dup(reading->lines.data + at, reading->lines.len - at);
    size_t len = strlen(tail);
    if (len > 0)
        tail[len - 1] = '\0'; /* the last line break */
    view_code(view, tail);
    if (at > 0 && !reading->is_follow)
        view_note(view, "%s",
                  turn_say(turn, "Older lines do not fit here: they are in the file."));
}

static void add_file(struct view *view,
                     const struct turn *turn,
                     const struct reading *reading) {
    const char *unit = find_unit(turn);
    auto_(mem_freep) char *name =
        mem_printf("%s-%s.log", turn_node(turn), unit[0] != '\0' ? unit : "journal");

    for (char *at = name; *at; at++)
        if (*at == '/' || *at == '\\')
            *at = '_';
    view_document(view, name, buf_slice(&reading->lines));
    view_note(view, turn_say(turn, "Lines: %zu"), reading->count);
    view->is_fresh = true;
}

static void show_end(struct turn *turn, struct reading *reading) {
    bool is_file = turn_flag(turn, "file") != NULL && reading->lines.len > 0;
    struct view *view = view_new();

    add_title(view, turn);
    if (is_file)
        add_file(view, turn, reading);
    else
        add_lines(view, turn, reading, reading->is_follow ? FOLLOWED_LINES : LINES_MAX);
    if (reading->left_out > 0)
        view_note(view, turn_say(turn, "Lines that were too much: %zu"),
                  reading->left_out);
    if (reading->is_follow)
        view_note(view, "%s", turn_say(turn, "It is no longer followed."));
    if (!is_file)
        add_buttons(view, turn);
    turn_show(turn, view);
}

/* --- following --- */

static void show_step(struct turn *turn, void *arg) {
    struct reading *reading = arg;

    if (reading->is_changed) {
        auto_(mem_freep) char *action = make_action(turn, true);
        struct view *view = view_new();
        add_title(view, turn);
        add_lines(view, turn, reading, FOLLOWED_LINES);
        view_note(view, "%s", turn_say(turn, "New lines appear for 30 seconds."));
        view_button(view, VIEW_PLAIN, turn_say(turn, "Stop"), "%s", action);
        turn_progress(turn, view);
        reading->is_changed = false;
    }
    turn_later(turn, STEP_MS, show_step, reading);
}

static void on_enough(struct turn *turn, void *arg) {
    show_end(turn, arg);
}

static bool on_line(struct turn *turn, void *arg, const ProtobufCMessage *message) {
    struct reading *reading = arg;

    add_line(reading, turn, (const Roost__V1__LogLine *)message);
    reading->is_changed = true;
    /* Followed lines are shown from the end only: the older ones are not needed. */
    if (reading->is_follow && reading->lines.len > (size_t)INLINE_MAX * 8)
        buf_drop(&reading->lines, find_tail(&reading->lines, FOLLOWED_LINES));
    return true;
}

static void on_end(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message) {
    struct reading *reading = arg;

    reading->is_over = true;
    if (status != GRPC_OK && reading->lines.len == 0)
        turn_fail(turn, status, message, turn_say(turn, "Read the journal"));
    else
        show_end(turn, reading);
}

/* --- the request --- */

/* 0 to 7 of a word or a number; -1 when it is none. */
static int find_priority(const char *word) {
    static const char *const words[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    uint64_t number;

    for (int i = 0; i < (int)(sizeof(words) / sizeof(words[0])); i++)
        if (strncasecmp(word, words[i], 3) == 0)
            return i;
    return look_text_number(word, &number) && number < 8 ? (int)number : -1;
}

/* Reads the flags: false after telling which one is wrong. */
static bool read_flags(struct turn *turn,
                       Roost__V1__LogsRequest *request,
                       Google__Protobuf__Timestamp *since) {
    const struct chat_host *host = turn_host(turn);
    const char *priority = turn_flag(turn, "priority");
    const char *ago = turn_flag(turn, "since");
    int64_t ago_ms = ago ? look_plot_words_span(ago) : 0;
    int level = priority ? find_priority(priority) : 0;

    if (ago_ms < 0 || level < 0) {
        turn_complain(turn, "%s",
                      turn_say(turn, "--since takes 10m or 2h, --priority err, warning "
                                     "or a number from 0 to 7."));
        return false;
    }
    if (ago_ms > 0)
        request->since = timestamp_set(since, host->now_ms(host->arg) - ago_ms);
    if (priority) {
        request->priority_known_case = ROOST__V1__LOGS_REQUEST__PRIORITY_KNOWN_PRIORITY;
        request->priority = (uint32_t)level;
    }
    if (turn_flag(turn, "grep"))
        request->grep = pb_lend(turn_flag(turn, "grep"));
    return true;
}

static void read_lines(struct turn *turn) {
    static const struct turn_stream_events events = { on_line, on_end };
    struct reading *reading = turn_state(turn, sizeof(*reading), end_reading);
    Roost__V1__LogsRequest request = ROOST__V1__LOGS_REQUEST__INIT;
    Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    uint64_t lines = turn_flag(turn, "file") ? LINES_FILE : LINES_USUAL;

    if (turn_word(turn, 1) && (!look_text_number(turn_word(turn, 1), &lines) ||
                               lines == 0 || lines > LINES_MAX)) {
        turn_complain(turn, turn_say(turn, "How many lines? A number up to %d."),
                      LINES_MAX);
        return;
    }
    if (!read_flags(turn, &request, &since))
        return;
    reading->is_follow = turn_flag(turn, "follow") != NULL;
    request.unit = pb_lend(find_unit(turn));
    request.lines = (uint32_t)lines;
    request.follow = reading->is_follow;
    turn_stream(turn, turn_node(turn), "/roost.v1.Units/Logs", &request.base, &events,
                reading);
    if (reading->is_follow) {
        turn_later(turn, STEP_MS, show_step, reading);
        turn_later(turn, FOLLOW_MS, on_enough, reading);
    }
}

/* --- which unit? --- */

static int by_need(const void *a, const void *b) {
    const Roost__V1__Unit *const *one = a;
    const Roost__V1__Unit *const *two = b;
    bool one_failed = strcmp((*one)->active_state, "failed") == 0;
    bool two_failed = strcmp((*two)->active_state, "failed") == 0;

    return one_failed != two_failed ? two_failed - one_failed
                                    : strcmp((*one)->name, (*two)->name);
}

static void add_units(struct turn *turn,
                      struct view *view,
                      const Roost__V1__ListUnitsResponse *list) {
    struct look_pages pages = look_pages_of(turn, list->n_units, UNITS_PER_PAGE);
    auto_(mem_freep) char *action = mem_printf("logs %s", turn_node(turn));

    qsort(list->units, list->n_units, sizeof(list->units[0]), by_need);
    for (size_t i = pages.first; i < pages.end; i++) {
        const Roost__V1__Unit *unit = list->units[i];
        bool is_failed = strcmp(unit->active_state, "failed") == 0;
        auto_(mem_freep) char *cut = look_text_cut(unit->name, UNIT_MAX_SHOWN);
        auto_(mem_freep) char *label = mem_printf("%s%s", is_failed ? "⚠ " : "", cut);
        struct buf name = { 0 };
        if ((i - pages.first) % 2 == 0)
            view_row(view);
        view_quote(&name, unit->name);
        view_button(view, is_failed ? VIEW_DANGER : VIEW_PLAIN, label, "logs %s %s",
                    turn_node(turn), buf_text(&name));
        buf_done(&name);
    }
    look_pages_add(&pages, view, action);
}

static void on_units(struct turn *turn, struct look_gather *gather) {
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Logs of %s"), turn_node(turn));
    view_text(view, "%s", turn_say(turn, "Of which service? Choose, or write its name."));
    view_button(view, VIEW_PLAIN, turn_say(turn, "Whole journal"), "logs %s all",
                turn_node(turn));
    view_button(view, VIEW_PLAIN, turn_say(turn, "Kernel"), "logs %s kernel",
                turn_node(turn));
    if (gather->slots[UNITS].reply)
        add_units(turn, view,
                  (const Roost__V1__ListUnitsResponse *)gather->slots[UNITS].reply);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", turn_node(turn));
    turn_ask(turn, view, "logs %s", turn_node(turn));
}

static void ask_unit(struct turn *turn) {
    char *types[] = { "service" };
    struct look_gather *gather = turn_state(turn, sizeof(*gather), look_gather_done);
    Roost__V1__ListUnitsRequest request = ROOST__V1__LIST_UNITS_REQUEST__INIT;

    request.types = types;
    request.n_types = 1;
    look_gather_start(gather, on_units);
    look_gather_call(gather, turn, UNITS, turn_node(turn), "/roost.v1.Units/List",
                     &request.base);
}

void look_logs_run(struct turn *turn) {
    if (turn_word(turn, 0))
        read_lines(turn);
    else
        ask_unit(turn);
}
