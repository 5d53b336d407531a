#include "chat/act/act_stability.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    INTERVAL_MIN_MS = 10, /* the node's own limits */
    INTERVAL_MAX_MS = 10000,
    SECONDS_MAX = 86400,
    COUNT_MAX = 1000000,
    ID_LEN = 16,
    OUTAGES_MAX = 8,
    CELLS = 12,
    COME_BACK_MS = 5000,   /* between tries to attach again */
    COME_BACK_TRIES = 120, /* ten minutes: a hub's restart, a link's gap */
};

static const unsigned intervals_ms[] = { 10, 20, 50, 100, 200, 500 };
static const unsigned lengths_s[] = { 300, 900, 3600, 21600, 43200, 86400 };

struct testing {
    char id[ID_LEN + 1]; /* "": not known yet */
    uint32_t interval_ms;
    uint32_t seconds;
    unsigned tries;
    bool ends;
    bool is_over;
};

static char *back_of(const struct turn *turn) {
    return mem_printf("tests %s", turn_node(turn));
}

/* --- questions --- */

static void ask_interval(struct turn *turn) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "📶 %s: stability"), turn_node(turn));
    view_text(view, "%s",
              turn_say(turn, "Small packets go to the hub and back. How often?"));
    for (size_t i = 0; i < sizeof(intervals_ms) / sizeof(intervals_ms[0]); i++) {
        auto_(mem_freep) char *label =
            mem_printf(turn_say(turn, "every %u ms"), intervals_ms[i]);
        if (i % 3 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, label, "stability %s %u", turn_node(turn),
                    intervals_ms[i]);
    }
    act_call_back(turn, view, back);
    turn_ask(turn, view, "stability %s", turn_node(turn));
}

static void ask_length(struct turn *turn, uint32_t interval_ms) {
    auto_(mem_freep) char *back = mem_printf("stability %s", turn_node(turn));
    struct view *view = view_new();
    size_t count = 0;

    view_title(view, turn_say(turn, "📶 %s: stability"), turn_node(turn));
    view_text(view, turn_say(turn, "Every %u ms. For how long?"), interval_ms);
    for (size_t i = 0; i < sizeof(lengths_s) / sizeof(lengths_s[0]); i++) {
        char label[ACT_TEXT_LEN];
        if ((uint64_t)lengths_s[i] * 1000 / interval_ms > COUNT_MAX)
            continue; /* more packets than a test may have */
        words_duration(turn_language(turn), lengths_s[i] * 1000ULL, label, sizeof(label));
        if (count++ % 3 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, label, "stability %s %u %us", turn_node(turn),
                    interval_ms, lengths_s[i]);
    }
    act_call_back(turn, view, back);
    turn_ask(turn, view, "stability %s %u", turn_node(turn), interval_ms);
}

/* --- how it goes --- */

static void add_bar(struct view *view, uint32_t done, uint32_t planned) {
    struct buf bar = { 0 };
    uint64_t full = planned > 0 ? (uint64_t)done * CELLS / planned : 0;

    for (uint64_t i = 0; i < CELLS; i++)
        buf_add_text(&bar, i < full ? "▓" : "░");
    view_text(view, "%s %u %%", buf_text(&bar),
              planned > 0 ? (unsigned)((uint64_t)done * 100 / planned) : 0);
    buf_done(&bar);
}

static void add_figures(struct turn *turn,
                        struct view *view,
                        const Roost__V1__StabilityReport *report) {
    const Roost__V1__Latency *rtt = report->rtt;

    view_field(view, turn_say(turn, "Sent"), turn_say(turn, "%u of %u, every %u ms"),
               report->sent, report->planned, report->interval_ms);
    view_field(view, turn_say(turn, "Lost"), "%u (%.2f %%)", report->lost,
               report->loss_percent);
    if (!rtt || rtt->count == 0)
        return;
    view_field(view, turn_say(turn, "Round trip"),
               turn_say(turn, "%.1f ms; 95 %% under %.1f, 99 %% under %.1f, most %.1f"),
               rtt->mean_ms, rtt->p95_ms, rtt->p99_ms, rtt->max_ms);
    view_field(view, turn_say(turn, "Jitter"), "%.1f ms", rtt->jitter_ms);
}

static void add_outages(struct turn *turn,
                        struct view *view,
                        const Roost__V1__StabilityReport *report) {
    if (report->done && report->n_outages == 0)
        view_text(view, "%s", turn_say(turn, "✅ No outage of 3 seconds or more."));
    for (size_t i = 0; i < report->n_outages && i < OUTAGES_MAX; i++) {
        const Roost__V1__Outage *outage = report->outages[i];
        int64_t start_ms = timestamp_get(outage->start);
        int64_t length_ms = timestamp_get(outage->end) - start_ms;
        char start[ACT_TEXT_LEN], length[ACT_TEXT_LEN];
        act_text_time(start_ms, start);
        words_duration(turn_language(turn),
                       length_ms > 0 ? (unsigned long long)length_ms : 0, length,
                       sizeof(length));
        view_field(view, turn_say(turn, "Outage"), "%s, %s", start, length);
    }
    if (report->n_outages > OUTAGES_MAX)
        view_note(view, turn_say(turn, "and %zu more"), report->n_outages - OUTAGES_MAX);
}

static void show_report(struct turn *turn,
                        const struct testing *testing,
                        const Roost__V1__StabilityReport *report) {
    struct view *view = view_new();

    if (report->done && report->chart_png.len > 0)
        view_picture(view, slice_of(report->chart_png.data, report->chart_png.len),
                     turn_say(turn, "round trips"));
    view_title(view, turn_say(turn, "📶 %s: stability"), turn_node(turn));
    if (!report->done)
        add_bar(view, report->sent, report->planned);
    add_figures(turn, view, report);
    add_outages(turn, view, report);
    view_note(view, turn_say(turn, "Test %s"), report->test_id);
    if (!report->done) {
        view_button(view, VIEW_PLAIN, turn_say(turn, "end it now"),
                    "stability %s --id %s --end", turn_node(turn), report->test_id);
        turn_progress(turn, view);
        return;
    }
    auto_(mem_freep) char *back = back_of(turn);
    if (report->interval_ms > 0 && testing->seconds > 0)
        view_button(view, VIEW_PLAIN, turn_say(turn, "once more"), "stability %s %u %us",
                    turn_node(turn), report->interval_ms, testing->seconds);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static bool on_report(struct turn *turn, void *arg, const ProtobufCMessage *message) {
    const Roost__V1__StabilityReport *report =
        (const Roost__V1__StabilityReport *)message;
    struct testing *testing = arg;

    if (strlen(report->test_id) == ID_LEN)
        memcpy(testing->id, report->test_id, ID_LEN + 1);
    testing->tries = 0;
    show_report(turn, testing, report);
    return !report->done;
}

static void listen(struct turn *turn, void *arg);

/* The number in "test 0123456789abcdef of nas is running already". */
static bool find_running(const char *message, char ret_id[static ID_LEN + 1]) {
    if (strncmp(message, "test ", 5) != 0 || !strstr(message, "running already") ||
        strspn(message + 5, "0123456789abcdef") != ID_LEN)
        return false;
    memcpy(ret_id, message + 5, ID_LEN);
    ret_id[ID_LEN] = '\0';
    return true;
}

/* A node has one test at a time. */
static void show_running(struct turn *turn, const char *id) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "📶 %s: stability"), turn_node(turn));
    view_text(view, turn_say(turn, "Test %s runs already; a host has one at a time."),
              id);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "show it"), "stability %s --id %s",
                turn_node(turn), id);
    view_button(view, VIEW_PLAIN, turn_say(turn, "end it now"),
                "stability %s --id %s --end", turn_node(turn), id);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void on_end(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message) {
    struct testing *testing = arg;
    auto_(mem_freep) char *back = back_of(turn);
    char running[ID_LEN + 1];

    /* The node goes on with a test whose hub or link is away. */
    if (testing->id[0] && status != GRPC_NOT_FOUND && status != GRPC_PERMISSION_DENIED &&
        testing->tries++ < COME_BACK_TRIES) {
        turn_later(turn, COME_BACK_MS, listen, testing);
        return;
    }
    if (status == GRPC_FAILED_PRECONDITION && find_running(message, running)) {
        show_running(turn, running);
        return;
    }
    auto_(mem_freep) char *what =
        mem_printf(turn_say(turn, "📶 %s: stability"), turn_node(turn));
    act_call_fail(turn, status == GRPC_OK ? GRPC_INTERNAL : status,
                  status == GRPC_OK ? turn_say(turn, "It ended without a result.")
                                    : message,
                  what, NULL, back);
}

static void listen(struct turn *turn, void *arg) {
    static const struct turn_stream_events events = {
        .on_message = on_report,
        .on_end = on_end,
    };
    Roost__V1__StabilityRequest request = ROOST__V1__STABILITY_REQUEST__INIT;
    struct testing *testing = arg;

    request.interval_ms = testing->interval_ms;
    request.seconds = testing->seconds;
    request.test_id = testing->id;
    if (!testing->id[0]) /* the next hub finds the same test by it */
        request.operation_id = pb_lend(turn_operation(turn, 0));
    request.chart = true;
    request.end = testing->ends;
    turn_stream(turn, turn_node(turn), "/roost.v1.Probe/Stability", &request.base,
                &events, testing);
}

/* --- the command --- */

/* "200", "200ms", "0.2s" is none: whole milliseconds. */
static bool parse_interval(const char *text, uint32_t *ret_ms) {
    uint64_t ms;

    if (!act_text_number(text, INTERVAL_MAX_MS, &ms) &&
        clock_parse_duration(text, &ms) != 0)
        return false;
    if (ms > INTERVAL_MAX_MS)
        return false;
    *ret_ms = ms < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : (uint32_t)ms;
    return true;
}

static bool parse_length(const char *text, uint32_t *ret_s) {
    uint64_t ms;

    if (clock_parse_duration(text, &ms) != 0 || ms < 1000 || ms / 1000 > SECONDS_MAX)
        return false;
    *ret_s = (uint32_t)(ms / 1000);
    return true;
}

static void attach(struct turn *turn, struct testing *testing, const char *id) {
    if (strlen(id) != ID_LEN) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no number of a test"), id);
        return;
    }
    memcpy(testing->id, id, ID_LEN + 1);
    testing->ends = turn_flag(turn, "end") != NULL;
    listen(turn, testing);
}

static void begin(struct turn *turn, struct testing *testing) {
    struct view *view = view_new();

    view_title(view, turn_say(turn, "📶 %s: stability"), turn_node(turn));
    add_bar(view, 0, 1);
    turn_progress(turn, view);
    listen(turn, testing);
}

void act_stability_run(struct turn *turn) {
    struct testing *testing = turn_state(turn, sizeof(*testing), NULL);
    const char *interval = turn_word(turn, 0);
    const char *length = turn_word(turn, 1);
    const char *id = turn_flag(turn, "id");

    if (interval && !parse_interval(interval, &testing->interval_ms))
        turn_complain(turn,
                      turn_say(turn, "\"%s\" is no interval of %d to %d milliseconds"),
                      interval, INTERVAL_MIN_MS, INTERVAL_MAX_MS);
    else if (length && !parse_length(length, &testing->seconds))
        turn_complain(turn, turn_say(turn, "\"%s\" is no length of time up to a day"),
                      length);
    else if (id)
        attach(turn, testing, id);
    else if (!interval)
        ask_interval(turn);
    else if (!length)
        ask_length(turn, testing->interval_ms);
    else if ((uint64_t)testing->seconds * 1000 / testing->interval_ms > COUNT_MAX)
        turn_complain(turn, turn_say(turn, "These would be more than %d packets"),
                      COUNT_MAX);
    else
        begin(turn, testing);
}
