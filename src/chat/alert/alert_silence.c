#include "chat/alert/alert_silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/alert/alert_show.h"
#include "chat/alert/alert_text.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { LISTED_MAX = 12, DAY_S = 86400 };

static const uint64_t lasts_max_ms =
    366 * 86400000ULL; /* nobody remembers a longer one */

/* --- the list --- */

static void add_silence(struct turn *turn,
                        struct view *view,
                        const Roost__V1__Silence *silence,
                        bool may_remove) {
    char starts[ACT_TEXT_LEN], ends[ACT_TEXT_LEN];
    const char *what = silence->select[0] ? silence->select : turn_say(turn, "all hosts");
    bool is_later = timestamp_get(silence->starts) > act_text_now_ms(turn);
    struct buf line = { 0 };

    act_text_time(timestamp_get(silence->starts), starts);
    act_text_time(timestamp_get(silence->ends), ends);
    buf_printf(&line, "%s %s", is_later ? "🗓" : "🔕", what);
    if (silence->rule[0])
        buf_printf(&line, " (%s)", silence->rule);
    if (is_later || silence->every_s)
        buf_printf(&line, ": %s – %s", starts, ends);
    else
        buf_printf(&line, turn_say(turn, ": until %s"), ends);
    if (silence->every_s >= 7 * DAY_S)
        buf_printf(&line, ", %s", turn_say(turn, "every week"));
    else if (silence->every_s)
        buf_printf(&line, ", %s", turn_say(turn, "every day"));
    buf_printf(&line, " · %s", silence->created_by);
    view_text(view, "%s", buf_text(&line));
    buf_done(&line);
    if (silence->reason[0])
        view_note(view, "%s", silence->reason);
    if (!may_remove)
        return;
    auto_(mem_freep) char *label = mem_printf("🔔 %s", what);
    auto_(mem_freep) char *cut = act_text_cut(label, 60);
    view_row(view);
    view_button(view, VIEW_PLAIN, cut, "unsilence %s", silence->id);
}

static void on_list(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__ListSilencesResponse *list =
        (const Roost__V1__ListSilencesResponse *)reply;

    if (status != GRPC_OK) {
        turn_fail(turn, status, message, turn_say(turn, "Silences"));
        return;
    }
    struct view *view = view_new();
    if (list->n_silences == 0)
        view_title(view, "%s", turn_say(turn, "🔔 Nothing is silenced"));
    else
        view_title(view, "🔕 %s", turn_say(turn, "Of these nobody is told"));
    for (size_t i = 0; i < list->n_silences && i < LISTED_MAX; i++)
        add_silence(turn, view, list->silences[i], true);
    if (list->n_silences > LISTED_MAX)
        view_note(view, turn_say(turn, "and %zu more"), list->n_silences - LISTED_MAX);
    act_call_back(turn, view, "alerts");
    turn_show(turn, view);
}

void alert_silence_list(struct turn *turn) {
    Roost__V1__ListSilencesRequest request = ROOST__V1__LIST_SILENCES_REQUEST__INIT;

    turn_call(turn, NULL, "/roost.v1.Alerts/ListSilences", &request.base, on_list, NULL);
}

/* --- making one --- */

static void on_put(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    const Roost__V1__Silence *silence = (const Roost__V1__Silence *)reply;
    uint64_t id;

    if (status != GRPC_OK) {
        act_call_fail(turn, status, message, turn_say(turn, "Silence"), NULL, "silences");
        return;
    }
    if (alert_show_parse_id(turn_word(turn, 0), &id)) {
        alert_show_id(turn, id, false);
        return;
    }
    struct view *view = view_new();
    view_title(view, "%s",
               timestamp_get(silence->starts) > act_text_now_ms(turn)
                   ? turn_say(turn, "✅ It is planned")
                   : turn_say(turn, "✅ Nobody is told"));
    add_silence(turn, view, silence, false);
    view_button(view, VIEW_PLAIN, turn_say(turn, "🔔 take it back"), "unsilence %s",
                silence->id);
    view_button(view, VIEW_PLAIN, turn_say(turn, "silences"), "silences");
    turn_show(turn, view);
}

static void put(struct turn *turn, const Roost__V1__PutSilenceRequest *request) {
    turn_call(turn, NULL, "/roost.v1.Alerts/PutSilence", &request->base, on_put, NULL);
}

static void ask_whom(struct turn *turn) {
    struct view *view = view_new();

    view_title(view, "%s", turn_say(turn, "Whose alerts are to be silent?"));
    view_text(view, "%s",
              turn_say(turn, "Write a host, @tag, the number of an alert, or \"all\"."));
    turn_ask(turn, view, "silence");
}

static void ask_length(struct turn *turn, const char *whom) {
    static const struct choice {
        const char *label;
        const char *words;
    } choices[] = {
        { "1 h", "1h" },   { "8 h", "8h" },    { "till 8:00", "till 8:00" },
        { "a day", "1d" }, { "a week", "7d" },
    };
    auto_(mem_freep) char *quoted = act_text_quote(whom);
    struct view *view = view_new();

    view_title(view, "🔕 %s", whom);
    view_text(view, "%s", turn_say(turn, "For how long?"));
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (i % 3 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, turn_say(turn, choices[i].label), "silence %s %s",
                    quoted, choices[i].words);
    }
    act_call_back(turn, view, "alerts");
    turn_ask(turn, view, "silence %s", quoted);
}

/* "1h", or "till 8:00": the words of it, 0: it is no time. */
static size_t parse_length(const struct turn *turn, int64_t now_ms, uint64_t *ret_ms) {
    const char *first = turn_word(turn, 1);
    const char *second = turn_word(turn, 2);
    bool is_till = strcasecmp(first, "till") == 0 || strcasecmp(first, "until") == 0 ||
                   strcmp(first, "до") == 0;

    if (!is_till)
        return alert_text_parse_length(first, lasts_max_ms, ret_ms) ? 1 : 0;
    int64_t end_ms = second ? alert_text_parse_time(second, now_ms) : 0;
    if (end_ms == 0)
        return 0;
    *ret_ms = (uint64_t)(end_ms - now_ms);
    return 2;
}

static bool is_everything(const char *word) {
    return strcasecmp(word, "all") == 0 || strcmp(word, "*") == 0;
}

void alert_silence_put(struct turn *turn) {
    Roost__V1__PutSilenceRequest request = ROOST__V1__PUT_SILENCE_REQUEST__INIT;
    const char *whom = turn_word(turn, 0);
    const char *rule = turn_flag(turn, "rule");
    uint64_t lasts_ms = 0;

    if (!whom) {
        ask_whom(turn);
        return;
    }
    if (!turn_word(turn, 1)) {
        ask_length(turn, whom);
        return;
    }
    size_t words = parse_length(turn, act_text_now_ms(turn), &lasts_ms);
    if (words == 0) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no length of time"),
                      turn_word(turn, 1));
        return;
    }
    const char *reason = turn_rest(turn, 1 + words);
    request.lasts_s = (uint32_t)(lasts_ms / 1000);
    request.reason = pb_lend(reason);
    if (alert_show_parse_id(whom, &request.incident)) {
        put(turn, &request);
        return;
    }
    request.select = pb_lend(is_everything(whom) ? "*" : whom);
    request.rule = pb_lend(rule);
    put(turn, &request);
}

/* --- taking it back --- */

static void on_removed(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    if (status == GRPC_OK || status == GRPC_NOT_FOUND)
        alert_silence_list(turn);
    else
        act_call_fail(turn, status, message, turn_say(turn, "Silence"), NULL, "silences");
}

void alert_silence_remove(struct turn *turn) {
    Roost__V1__RemoveSilenceRequest request = ROOST__V1__REMOVE_SILENCE_REQUEST__INIT;
    Roost__V1__PutSilenceRequest none = ROOST__V1__PUT_SILENCE_REQUEST__INIT;
    const char *id = turn_word(turn, 0);
    Google__Protobuf__Timestamp now;

    if (!id) {
        alert_silence_list(turn);
        return;
    }
    /* An incident's silence ends by one that ends now. Ids of silences are longer. */
    if (strlen(id) < 8 && alert_show_parse_id(id, &none.incident)) {
        none.ends = timestamp_set(&now, act_text_now_ms(turn));
        put(turn, &none);
        return;
    }
    request.id = pb_lend(id);
    turn_call(turn, NULL, "/roost.v1.Alerts/RemoveSilence", &request.base, on_removed,
              NULL);
}

/* --- maintenance --- */

/* What a window says: its day (0: the next one), from and to in minutes of the day. */
struct window {
    int year, month, day;
    int days_ahead;
    unsigned from_min, to_min;
    bool has_day;
};

/* Two digits at most, up to max; the text goes on behind them. */
static bool take_number(const char **at, unsigned max, unsigned *ret_number) {
    size_t len = strspn(*at, "0123456789");

    if (len < 1 || len > 4)
        return false;
    *ret_number = (unsigned)strtoul(*at, NULL, 10);
    *at += len;
    return *ret_number <= max;
}

static bool take_clock(const char **at, unsigned *ret_min) {
    unsigned hour, minute = 0;

    if (!take_number(at, 24, &hour))
        return false;
    if (**at == ':') {
        (*at)++;
        if (!take_number(at, 59, &minute))
            return false;
    }
    *ret_min = hour * 60 + minute;
    return *ret_min <= 24 * 60;
}

/* "22:00-23:30", "22-6". */
static bool parse_span(const char *text, struct window *window) {
    if (!take_clock(&text, &window->from_min))
        return false;
    if (strncmp(text, "–", 3) == 0)
        text += 3;
    else if (*text == '-')
        text++;
    else
        return false;
    return take_clock(&text, &window->to_min) && *text == '\0' &&
           window->from_min != window->to_min && window->from_min < 24 * 60;
}

/* "2026-11-22", "22.11.", "tomorrow". */
static bool parse_day(const char *text, struct window *window) {
    unsigned first, second, third;

    if (strcasecmp(text, "tomorrow") == 0 || strcmp(text, "завтра") == 0) {
        window->days_ahead = 1;
        window->has_day = true;
        return true;
    }
    if (!take_number(&text, 9999, &first) || (*text != '-' && *text != '.'))
        return false;
    bool is_iso = *text++ == '-';
    if (!take_number(&text, 31, &second))
        return false;
    if (!is_iso) {
        window->day = (int)first;
        window->month = (int)second;
        window->has_day = first <= 31 && second <= 12;
        return window->has_day && (*text == '\0' || strcmp(text, ".") == 0);
    }
    if (*text++ != '-' || !take_number(&text, 31, &third) || *text != '\0')
        return false;
    window->year = (int)first;
    window->month = (int)second;
    window->day = (int)third;
    window->has_day = first >= 1970 && second <= 12;
    return window->has_day;
}

/* When it begins and ends, in the hub's time zone: false when it is over. */
static bool place_window(const struct window *window,
                         int64_t now_ms,
                         int64_t *ret_starts_ms,
                         int64_t *ret_ends_ms) {
    time_t now = (time_t)(now_ms / 1000);
    unsigned length_min = window->to_min > window->from_min
                              ? window->to_min - window->from_min
                              : window->to_min + 24 * 60 - window->from_min;
    struct tm parts;

    if (!localtime_r(&now, &parts))
        return false;
    if (window->month) {
        parts.tm_mon = window->month - 1;
        parts.tm_mday = window->day;
    }
    if (window->year)
        parts.tm_year = window->year - 1900;
    parts.tm_mday += window->days_ahead;
    parts.tm_hour = (int)window->from_min / 60;
    parts.tm_min = (int)window->from_min % 60;
    parts.tm_sec = 0;
    parts.tm_isdst = -1;
    struct tm next = parts;
    time_t starts = mktime(&parts);
    if (!window->has_day && starts + (time_t)length_min * 60 <= now) {
        next.tm_mday++;
        starts = mktime(&next);
    }
    *ret_starts_ms = (int64_t)starts * 1000;
    *ret_ends_ms = *ret_starts_ms + (int64_t)length_min * 60000;
    return *ret_ends_ms > now_ms;
}

static uint32_t parse_every(const char *word) {
    if (!word)
        return 0;
    if (strcasecmp(word, "daily") == 0 || strcmp(word, "ежедневно") == 0)
        return DAY_S;
    return strcasecmp(word, "weekly") == 0 || strcmp(word, "еженедельно") == 0 ? 7 * DAY_S
                                                                               : 0;
}

static void ask_window(struct turn *turn, const char *whom) {
    struct view *view = view_new();
    auto_(mem_freep) char *quoted = whom ? act_text_quote(whom) : NULL;

    view_title(view, "🗓 %s", turn_say(turn, "Maintenance"));
    if (!whom) {
        view_text(view, "%s", turn_say(turn, "Of which host or @tag, and when?"));
        view_code(view, "nas 22:00-23:30");
        turn_ask(turn, view, "maintenance");
        return;
    }
    view_text(view,
              turn_say(turn, "When is %s worked on? From and to, or a day before "
                             "it, \"daily\" or \"weekly\" behind it."),
              whom);
    view_code(view, "22:00-23:30");
    turn_ask(turn, view, "maintenance %s", quoted);
}

void alert_silence_maintenance(struct turn *turn) {
    Roost__V1__PutSilenceRequest request = ROOST__V1__PUT_SILENCE_REQUEST__INIT;
    const char *whom = turn_word(turn, 0);
    const char *when = turn_word(turn, 1);
    Google__Protobuf__Timestamp starts, ends;
    int64_t starts_ms, ends_ms;
    struct window window = { 0 };
    size_t at = 1;

    if (!whom || !when) {
        ask_window(turn, whom);
        return;
    }
    if (turn_word(turn, 2) && parse_day(when, &window))
        when = turn_word(turn, ++at);
    if (!parse_span(when, &window)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no time like 22:00-23:30"), when);
        return;
    }
    if (!place_window(&window, act_text_now_ms(turn), &starts_ms, &ends_ms)) {
        turn_complain(turn, "%s", turn_say(turn, "This is over already"));
        return;
    }
    request.every_s = parse_every(turn_word(turn, at + 1));
    const char *reason = turn_rest(turn, at + 1 + (request.every_s > 0));
    request.select = pb_lend(is_everything(whom) ? "*" : whom);
    request.starts = timestamp_set(&starts, starts_ms);
    request.ends = timestamp_set(&ends, ends_ms);
    request.reason = pb_lend(reason);
    put(turn, &request);
}
