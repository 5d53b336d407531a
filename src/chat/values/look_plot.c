#include "chat/values/look_plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "chat/look/look_text.h"
#include "chat/turn/turn.h"
#include "chat/values/look_chart.h"
#include "chat/values/look_plot_words.h"

enum { WORDS_MAX = 32, QUOTED_MAX = 40 };

static const int64_t FILE_SPAN_MS = INT64_C(7) * 86400000; /* longer ones are documents */

/* "2026-11-01", "2026-11-01T14:00" or a length of time ago: -1 when it is none. */
static int64_t read_time(const struct turn *turn, const char *text) {
    static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
                                           "%d.%m.%Y" };
    const struct chat_host *host = turn_host(turn);
    int64_t ago_ms = look_plot_words_span(text);

    if (ago_ms > 0)
        return host->now_ms(host->arg) - ago_ms;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct tm day = { .tm_isdst = -1 };
        const char *end = strptime(text, formats[i], &day);
        time_t when = end && *end == '\0' ? mktime(&day) : -1;
        if (when > 0)
            return (int64_t)when * 1000;
    }
    return -1;
}

/* Why the words were refused, in a sentence. A new string. */
static char *describe(const struct turn *turn, int why, const char *word) {
    switch (why) {
    case LOOK_PLOT_WORDS_E_METRICS:
        return mem_printf(turn_say(turn, "There is no metric \"%s\". Some are cpu, ram, "
                                         "net, disk, gpu, vram, temp."),
                          word);
    case LOOK_PLOT_WORDS_E_MIXED:
        return mem_strdup(turn_say(turn, "These are measured in different units and do "
                                         "not fit into one chart. Ask for two."));
    case LOOK_PLOT_WORDS_E_MANY:
        return mem_strdup(
            turn_say(turn, "These are too many for one chart: twelve fit."));
    case LOOK_PLOT_WORDS_E_LONG:
        return mem_printf(turn_say(turn, "\"%s\" is no time to look back: between a "
                                         "second and ten years."),
                          word);
    case LOOK_PLOT_WORDS_E_TOP:
        return mem_strdup(turn_say(turn, "The top of the axis is a number above zero."));
    case LOOK_PLOT_WORDS_E_TOP_UNIT:
        return mem_strdup(turn_say(
            turn, "A number of what? Add a unit: gib or mib, mbit for the network."));
    case LOOK_PLOT_WORDS_E_UNIT:
        return mem_printf(turn_say(turn,
                                   "There is no unit \"%s\". Units are b, kib, mib, "
                                   "gib and bit, kbit, mbit, gbit."),
                          word);
    case LOOK_PLOT_WORDS_E_FIT:
        return mem_printf(turn_say(turn, "These are not measured in \"%s\"."), word);
    case LOOK_PLOT_WORDS_E_EXTRA:
        return mem_printf(turn_say(turn, "\"%s\" is too much."), word);
    default:
        return mem_strdup(
            turn_say(turn, "How far back? For example 10m, 24h or 1d 12h."));
    }
}

/* Which metrics? With buttons that answer it. */
static void ask_metrics(struct turn *turn) {
    static const char *const kinds[] = { "cpu", "ram", "net", "disk", "all" };
    const char *node = turn_node(turn);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "A chart of %s"), node);
    view_text(
        view, "%s",
        turn_say(turn, "Which metrics, and how far back? For example: cpu,ram 24h"));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        view_button(view, VIEW_PLAIN, kinds[i], "plot %s %s 24h", node, kinds[i]);
    turn_ask(turn, view, "plot %s", node);
}

static void complain(struct turn *turn, int why, const char *word) {
    auto_(mem_freep) char *cut = look_text_cut(word, QUOTED_MAX);
    auto_(mem_freep) char *reason = describe(turn, why, cut);

    turn_complain(turn, turn_say(turn, "%s\nFor example: /plot %s cpu,ram 24h"), reason,
                  turn_node(turn) ? turn_node(turn) : "nas");
}

/* The times of --since and --until, 0 when there are none; false after telling what is
 * wrong with them. */
static bool read_flags(struct turn *turn, int64_t *ret_since_ms, int64_t *ret_until_ms) {
    const char *since = turn_flag(turn, "since");
    const char *until = turn_flag(turn, "until");
    const struct chat_host *host = turn_host(turn);

    *ret_since_ms = since ? read_time(turn, since) : 0;
    *ret_until_ms = until ? read_time(turn, until) : 0;
    int64_t end_ms = *ret_until_ms > 0 ? *ret_until_ms : host->now_ms(host->arg);
    if (*ret_since_ms >= 0 && *ret_until_ms >= 0 && *ret_since_ms < end_ms)
        return true;
    turn_complain(turn, "%s",
                  turn_say(turn,
                           "Since when? For example --since 2026-11-01, and --until "
                           "for the end, which is later."));
    return false;
}

/* The line as it was said. A new string. */
static char *make_action(const struct turn *turn) {
    static const char *const flags[] = { "since", "until" };
    struct buf action = { 0 };

    buf_printf(&action, "plot %s", turn_node(turn));
    for (size_t i = 0; i < turn_count(turn); i++) {
        buf_add_byte(&action, ' ');
        view_quote(&action, turn_word(turn, i));
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (turn_flag(turn, flags[i])) {
            buf_printf(&action, " --%s ", flags[i]);
            view_quote(&action, turn_flag(turn, flags[i]));
        }
    if (turn_flag(turn, "light"))
        buf_add_text(&action, " --light");
    return buf_take_text(&action);
}

static void add_buttons(struct turn *turn, struct view *view, const char *select) {
    auto_(mem_freep) char *action = make_action(turn);
    bool is_one = !strpbrk(select, ",*?@");

    view_button(view, VIEW_PLAIN, turn_say(turn, "Refresh"), "%s", action);
    view_button(view, VIEW_PLAIN, turn_say(turn, "As a file"), "%s --file", action);
    if (is_one)
        view_button(view, VIEW_PLAIN, turn_say(turn, "Charts"), "chart %s", select);
}

static void draw(struct turn *turn, const struct look_plot_words *plot) {
    struct look_chart_wish wish = {
        .select = plot->nodes ? plot->nodes : turn_node(turn),
        .names = plot->names,
        .unit = plot->unit,
        .top = plot->top,
        .span_ms = plot->span_ms,
        .is_light = turn_flag(turn, "light") != NULL,
        .add_buttons = add_buttons,
    };
    auto_(mem_freep) char *note = NULL;

    if (!read_flags(turn, &wish.since_ms, &wish.until_ms))
        return;
    if (wish.since_ms > 0)
        wish.span_ms = 0;
    wish.is_file = turn_flag(turn, "file") != NULL || wish.span_ms > FILE_SPAN_MS;
    if (plot->left_out) {
        auto_(mem_freep) char *cut = look_text_cut(plot->left_out, QUOTED_MAX);
        note = mem_printf(turn_say(turn, "Left out, since there is no such metric: %s"),
                          cut);
        wish.note = note;
    }
    look_chart_show(turn, &wish);
}

void look_plot_run(struct turn *turn) {
    const char *words[WORDS_MAX];
    struct look_plot_words plot;
    size_t count = turn_count(turn) < WORDS_MAX ? turn_count(turn) : WORDS_MAX;

    for (size_t i = 0; i < count; i++)
        words[i] = turn_word(turn, i);
    int why = look_plot_words_read(&plot, words, count, turn_flag(turn, "since") != NULL);
    if (why == LOOK_PLOT_WORDS_E_METRICS && !plot.word)
        ask_metrics(turn);
    else if (why != 0)
        complain(turn, why, plot.word);
    else
        draw(turn, &plot);
    look_plot_words_done(&plot);
}
