#include "chat/alert/alert_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/alert/alert_show.h"
#include "chat/alert/alert_text.h"

enum { PAGE_LEN = 8, ASKED_MAX = 200, PAGES_MAX = 100 };

struct listing {
    char *select; /* owned; "" */
    uint64_t page;
    bool has_all;
    bool asks; /* which one is to be acknowledged? */
};

static void end_listing(void *state) {
    struct listing *listing = state;
    free(listing->select);
}

/* "alerts all nas --page 2". A new string. */
static char *line_of(const struct listing *listing, bool has_all, uint64_t page) {
    struct buf out = { 0 };

    buf_printf(&out, "alerts%s", has_all ? " all" : "");
    if (listing->select[0]) {
        buf_add_byte(&out, ' ');
        view_quote(&out, listing->select);
    }
    if (page > 0)
        buf_printf(&out, " --page %llu", (unsigned long long)page);
    return buf_take_text(&out);
}

static void add_incident(struct turn *turn,
                         struct view *view,
                         const struct listing *listing,
                         const Roost__V1__Incident *incident) {
    enum words_language language = turn_language(turn);
    struct buf line = { 0 };
    struct buf label = { 0 };
    char length[ALERT_TEXT_LEN];

    buf_printf(&line, "%s ", alert_text_mark(incident));
    alert_text_subject(language, incident, &line);
    if (incident->unit[0]) {
        buf_add_byte(&line, ' ');
        alert_text_value(&line, incident->value, incident->unit);
    }
    alert_text_length(language, incident, act_text_now_ms(turn), length);
    buf_printf(&line, " · %s%s%s", length, incident->acknowledged_by[0] ? " · 👤 " : "",
               incident->acknowledged_by);
    if (incident->silenced_until)
        buf_add_text(&line, " · 🔕");
    view_text(view, "%s", buf_text(&line));
    buf_printf(&label, "%s ", alert_text_mark(incident));
    alert_text_subject(language, incident, &label);
    auto_(mem_freep) char *cut = act_text_cut(buf_text(&label), 60);
    view_row(view);
    view_button(view, VIEW_PLAIN, cut, "%s %llu", listing->asks ? "ack" : "alert",
                (unsigned long long)incident->id);
    buf_done(&line);
    buf_done(&label);
}

static void add_ways(struct turn *turn,
                     struct view *view,
                     const struct listing *listing,
                     size_t count) {
    bool has_more = count > (listing->page + 1) * PAGE_LEN;

    view_row(view);
    if (listing->page > 0) {
        auto_(mem_freep) char *line =
            line_of(listing, listing->has_all, listing->page - 1);
        view_button(view, VIEW_PLAIN, "◀", "%s", line);
    }
    if (has_more) {
        auto_(mem_freep) char *line =
            line_of(listing, listing->has_all, listing->page + 1);
        view_button(view, VIEW_PLAIN, "▶", "%s", line);
    }
    view_row(view);
    if (count > 1)
        view_button(view, VIEW_PLAIN, turn_say(turn, "👤 acknowledge all"), "ack all");
    auto_(mem_freep) char *other = line_of(listing, !listing->has_all, 0);
    view_button(view, VIEW_PLAIN,
                listing->has_all ? turn_say(turn, "only open ones")
                                 : turn_say(turn, "past ones too"),
                "%s", other);
    auto_(mem_freep) char *again = line_of(listing, listing->has_all, listing->page);
    view_button(view, VIEW_PLAIN, turn_say(turn, "refresh"), "%s", again);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "rules"), "rules");
    view_button(view, VIEW_PLAIN, turn_say(turn, "silences"), "silences");
    if (listing->select[0]) {
        auto_(mem_freep) char *node = act_text_quote(listing->select);
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ back"), "node %s", node);
    }
}

static void add_head(struct turn *turn,
                     struct view *view,
                     const struct listing *listing,
                     size_t count,
                     size_t firing) {
    char form[ALERT_TEXT_LEN];
    enum words_language language = turn_language(turn);

    if (count == 0) {
        view_title(view, "%s",
                   listing->has_all ? turn_say(turn, "✅ No alerts are known")
                                    : turn_say(turn, "✅ No alert goes on"));
        return;
    }
    view_title(view, "🔔 %zu %s", firing,
               words_plural(language, firing,
                            turn_say(turn, "alert goes on|alerts go on"), form,
                            sizeof(form)));
    if (listing->select[0])
        view_note(view, "%s", listing->select);
}

static void show_list(struct turn *turn,
                      struct listing *listing,
                      const Roost__V1__ListIncidentsResponse *list) {
    struct view *view = view_new();
    size_t count = list->n_incidents;
    size_t firing = 0;

    for (size_t i = 0; i < count; i++)
        firing += list->incidents[i]->state == ROOST__V1__INCIDENT_STATE__FIRING;
    if (listing->page * PAGE_LEN >= count)
        listing->page = count > 0 ? (count - 1) / PAGE_LEN : 0;
    add_head(turn, view, listing, count, firing);
    if (listing->asks && count > 0)
        view_text(view, "%s", turn_say(turn, "Which one do you look after?"));
    size_t first = (size_t)listing->page * PAGE_LEN;
    for (size_t i = first; i < count && i < first + PAGE_LEN; i++)
        add_incident(turn, view, listing, list->incidents[i]);
    add_ways(turn, view, listing, count);
    turn_show(turn, view);
}

static void on_list(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    if (status == GRPC_OK)
        show_list(turn, arg, (const Roost__V1__ListIncidentsResponse *)reply);
    else
        turn_fail(turn, status, message, turn_say(turn, "Alerts"));
}

static void list(struct turn *turn, const char *select, bool has_all, bool asks) {
    Roost__V1__ListIncidentsRequest request = ROOST__V1__LIST_INCIDENTS_REQUEST__INIT;
    struct listing *listing = turn_state(turn, sizeof(*listing), end_listing);
    const char *page = turn_flag(turn, "page");

    if (page && !act_text_number(page, PAGES_MAX, &listing->page)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no number of a page"), page);
        return;
    }
    listing->select = mem_strdup(select ? select : "");
    listing->has_all = has_all;
    listing->asks = asks;
    request.select = listing->select;
    request.all = has_all;
    request.limit = ASKED_MAX;
    turn_call(turn, NULL, "/roost.v1.Alerts/List", &request.base, on_list, listing);
}

void alert_list_run(struct turn *turn) {
    const char *word = turn_word(turn, 0);
    bool has_all = word && strcasecmp(word, "all") == 0;
    uint64_t id;

    if (has_all)
        word = turn_word(turn, 1);
    if (alert_show_parse_id(word, &id))
        alert_show_id(turn, id, true);
    else
        list(turn, word, has_all, false);
}

void alert_list_one(struct turn *turn) {
    uint64_t id;

    if (alert_show_parse_id(turn_word(turn, 0), &id))
        alert_show_id(turn, id, true);
    else
        alert_list_run(turn);
}

/* --- looking after them --- */

static void on_acknowledged(struct turn *turn,
                            void *arg,
                            enum grpc_status status,
                            const char *message,
                            const ProtobufCMessage *reply) {
    const Roost__V1__Incident *incident = (const Roost__V1__Incident *)reply;
    bool is_all = strcasecmp(turn_word(turn, 0), "all") == 0;

    if (is_all && (status == GRPC_OK || status == GRPC_NOT_FOUND))
        list(turn, NULL, false, false); /* perhaps an empty one */
    else if (status != GRPC_OK)
        act_call_fail(turn, status, message, turn_say(turn, "This alert"), NULL,
                      "alerts");
    else
        alert_show_incident(turn, incident, false);
}

void alert_list_acknowledge(struct turn *turn) {
    Roost__V1__AcknowledgeRequest request = ROOST__V1__ACKNOWLEDGE_REQUEST__INIT;
    const char *word = turn_word(turn, 0);
    bool is_all = word && strcasecmp(word, "all") == 0;

    if (!word) {
        list(turn, NULL, false, true);
        return;
    }
    if (!is_all && (!alert_show_parse_id(word, &request.id) || request.id == 0)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no number of an alert"), word);
        return;
    }
    request.undo = turn_flag(turn, "undo") != NULL;
    request.sleeps = turn_flag(turn, "sleeps") != NULL;
    turn_call(turn, NULL, "/roost.v1.Alerts/Acknowledge", &request.base, on_acknowledged,
              NULL);
}
