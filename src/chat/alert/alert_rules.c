#include "chat/alert/alert_rules.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/alert/alert_text.h"
#include "wire/timestamp.h"

enum { PAGE_LEN = 8, PAGES_MAX = 2000, FOUND_SHOWN = 8 };
static const uint64_t repeat_max_ms = 30 * 86400000ULL; /* a month */

struct ruling {
    char *select;          /* owned; "" */
    char *name;            /* owned; "" */
    char *note;            /* owned: what was done, of the view that follows; or NULL */
    Roost__V1__Rule *rule; /* owned; NULL: not known yet */
    void (*act)(struct turn *turn, struct ruling *ruling); /* when it is known */
    uint64_t page;
};

static void end_ruling(void *state) {
    struct ruling *ruling = state;

    free(ruling->select);
    free(ruling->name);
    free(ruling->note);
    pb_free((ProtobufCMessage *)ruling->rule);
}

static const char *mark_of(const Roost__V1__Rule *rule) {
    if (rule->disabled)
        return "⚪";
    return rule->firing > 0 ? alert_text_severity_mark(rule->severity) : "🟢";
}

/* --- the list --- */

static void add_rule(struct turn *turn, struct view *view, const Roost__V1__Rule *rule) {
    auto_(mem_freep) char *condition = act_text_cut(rule->condition, 120);
    auto_(mem_freep) char *label = mem_printf("%s %s", mark_of(rule), rule->name);

    if (rule->select[0] && strcmp(rule->select, "*") != 0)
        view_text(view, "%s %s · %s\n%s", mark_of(rule), rule->name, rule->select,
                  condition);
    else
        view_text(view, "%s %s\n%s", mark_of(rule), rule->name, condition);
    view_button(view, VIEW_PLAIN, label, "rule %s", rule->name);
}

static void add_page(struct view *view,
                     const struct ruling *ruling,
                     const char *label,
                     uint64_t page) {
    auto_(mem_freep) char *quoted = act_text_quote(ruling->select);

    view_button(view, VIEW_PLAIN, label, "rules %s%s--page %llu",
                ruling->select[0] ? quoted : "", ruling->select[0] ? " " : "",
                (unsigned long long)page);
}

static void show_list(struct turn *turn,
                      struct ruling *ruling,
                      const Roost__V1__ListRulesResponse *list) {
    struct view *view = view_new();
    size_t count = list->n_rules;

    if (ruling->page * PAGE_LEN >= count)
        ruling->page = count > 0 ? (count - 1) / PAGE_LEN : 0;
    size_t first = (size_t)ruling->page * PAGE_LEN;
    view_title(view, turn_say(turn, "📏 Rules (%zu)"), count);
    for (size_t i = first; i < count && i < first + PAGE_LEN; i++) {
        if ((i - first) % 2 == 0)
            view_row(view);
        add_rule(turn, view, list->rules[i]);
    }
    view_row(view);
    if (ruling->page > 0)
        add_page(view, ruling, "◀", ruling->page - 1);
    if (first + PAGE_LEN < count)
        add_page(view, ruling, "▶", ruling->page + 1);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "➕ a new one"), "setalert");
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ alerts"), "alerts");
    turn_show(turn, view);
}

static void on_list(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    if (status == GRPC_OK)
        show_list(turn, arg, (const Roost__V1__ListRulesResponse *)reply);
    else
        turn_fail(turn, status, message, turn_say(turn, "Rules"));
}

static void ask_list(struct turn *turn, struct ruling *ruling, turn_reply_fn *on_reply) {
    Roost__V1__ListRulesRequest request = ROOST__V1__LIST_RULES_REQUEST__INIT;

    request.select = ruling->select;
    turn_call(turn, NULL, "/roost.v1.Alerts/ListRules", &request.base, on_reply, ruling);
}

static struct ruling *begin(struct turn *turn, const char *select, const char *name) {
    struct ruling *ruling = turn_state(turn, sizeof(*ruling), end_ruling);

    ruling->select = mem_strdup(select ? select : "");
    ruling->name = mem_strdup(name ? name : "");
    return ruling;
}

void alert_rules_list(struct turn *turn) {
    const char *page = turn_flag(turn, "page");
    uint64_t number = 0;

    if (page && !act_text_number(page, PAGES_MAX, &number)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no number of a page"), page);
        return;
    }
    struct ruling *ruling = begin(turn, turn_word(turn, 0), NULL);
    ruling->page = number;
    ask_list(turn, ruling, on_list);
}

/* --- one rule --- */

static void add_names(struct view *view,
                      const char *name,
                      char *const *names,
                      size_t count) {
    struct buf out = { 0 };

    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s%s", i > 0 ? ", " : "", names[i]);
    if (count > 0)
        view_field(view, name, "%s", buf_text(&out));
    buf_done(&out);
}

static void add_length(struct turn *turn,
                       struct view *view,
                       const char *name,
                       uint32_t s) {
    char text[ALERT_TEXT_LEN];

    if (s == 0)
        return;
    words_duration(turn_language(turn), s * 1000ULL, text, sizeof(text));
    view_field(view, name, "%s", text);
}

static void add_facts(struct turn *turn, struct view *view, const Roost__V1__Rule *rule) {
    bool is_for_all = !rule->select[0] || strcmp(rule->select, "*") == 0;

    view_title(view, "%s %s", mark_of(rule), rule->name);
    view_code(view, rule->condition);
    view_field(view, turn_say(turn, "Hosts"), "%s",
               is_for_all ? turn_say(turn, "all hosts") : rule->select);
    view_field(view, turn_say(turn, "Severity"), "%s %s",
               alert_text_severity_mark(rule->severity),
               alert_text_severity(turn_language(turn), rule->severity));
    view_field(view, turn_say(turn, "Looks at"),
               turn_say(turn, "%u series, %u of them in alarm"), rule->series,
               rule->firing);
    if (rule->owner[0])
        view_field(view, turn_say(turn, "Tells"), "%s", rule->owner);
    add_names(view, turn_say(turn, "Channels"), rule->channels, rule->n_channels);
    add_length(turn, view, turn_say(turn, "Again every"), rule->repeat_s);
    add_length(turn, view, turn_say(turn, "Escalates after"), rule->escalate_s);
    add_names(view, turn_say(turn, "Escalates to"), rule->escalate_to,
              rule->n_escalate_to);
    if (rule->depends_on[0])
        view_field(view, turn_say(turn, "Depends on"), "%s", rule->depends_on);
    if (rule->note[0])
        view_note(view, "%s", rule->note);
    if (rule->built_in)
        view_note(view, "%s", turn_say(turn, "It is part of Roost."));
}

static void show_rule(struct turn *turn, const struct ruling *ruling) {
    const Roost__V1__Rule *rule = ruling->rule;
    struct view *view = view_new();

    add_facts(turn, view, rule);
    if (ruling->note)
        view_text(view, "%s", ruling->note);
    view_row(view);
    if (rule->disabled)
        view_button(view, VIEW_SUCCESS, turn_say(turn, "turn it on"), "rule %s on",
                    rule->name);
    else
        view_button(view, VIEW_PLAIN, turn_say(turn, "turn it off"), "rule %s off",
                    rule->name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "test"), "rule %s test", rule->name);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "condition…"), "rule %s when",
                rule->name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "severity…"), "rule %s severity",
                rule->name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "repeat…"), "rule %s repeat",
                rule->name);
    view_row(view);
    view_button(view, VIEW_PLAIN,
                rule->built_in ? turn_say(turn, "as it was…") : turn_say(turn, "remove…"),
                "rule %s remove", rule->name);
    act_call_back(turn, view, "rules");
    turn_show(turn, view);
}

static void fail(struct turn *turn,
                 const struct ruling *ruling,
                 enum grpc_status status,
                 const char *message) {
    auto_(mem_freep) char *what = mem_printf(turn_say(turn, "Rule %s"), ruling->name);

    act_call_fail(turn, status, message, what, NULL, "rules");
}

static void keep_rule(struct ruling *ruling, const Roost__V1__Rule *rule) {
    ProtobufCMessage *copied = act_call_copy(&rule->base);

    pb_free((ProtobufCMessage *)ruling->rule);
    ruling->rule = (Roost__V1__Rule *)copied;
}

static void on_found(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ListRulesResponse *list =
        (const Roost__V1__ListRulesResponse *)reply;
    struct ruling *ruling = arg;

    if (status != GRPC_OK) {
        fail(turn, ruling, status, message);
        return;
    }
    for (size_t i = 0; i < list->n_rules; i++)
        if (strcasecmp(list->rules[i]->name, ruling->name) == 0) {
            keep_rule(ruling, list->rules[i]);
            ruling->act(turn, ruling);
            return;
        }
    fail(turn, ruling, GRPC_NOT_FOUND, turn_say(turn, "There is no such rule."));
}

static void show_it(struct turn *turn, struct ruling *ruling) {
    show_rule(turn, ruling);
}

/* --- changing it --- */

static void on_put(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    struct ruling *ruling = arg;

    if (status != GRPC_OK) {
        fail(turn, ruling, status, message);
        return;
    }
    keep_rule(ruling, (const Roost__V1__Rule *)reply);
    ruling->note = mem_strdup(turn_say(turn, "✅ It is so from now on."));
    show_rule(turn, ruling);
}

static void put(struct turn *turn, struct ruling *ruling) {
    Roost__V1__PutRuleRequest request = ROOST__V1__PUT_RULE_REQUEST__INIT;

    request.rule = ruling->rule;
    turn_call(turn, NULL, "/roost.v1.Alerts/PutRule", &request.base, on_put, ruling);
}

static void turn_on(struct turn *turn, struct ruling *ruling) {
    ruling->rule->disabled = false;
    put(turn, ruling);
}

static void turn_off(struct turn *turn, struct ruling *ruling) {
    ruling->rule->disabled = true;
    put(turn, ruling);
}

static void change_condition(struct turn *turn, struct ruling *ruling) {
    const char *condition = turn_rest(turn, 2);

    if (condition) {
        free(ruling->rule->condition);
        ruling->rule->condition = mem_strdup(condition);
        put(turn, ruling);
        return;
    }
    auto_(mem_freep) char *back = mem_printf("rule %s", ruling->rule->name);
    struct view *view = view_new();
    view_title(view, turn_say(turn, "When does %s fire?"), ruling->rule->name);
    view_text(view, "%s", turn_say(turn, "Now it is:"));
    view_code(view, ruling->rule->condition);
    view_text(view, "%s", turn_say(turn, "Write another condition, like:"));
    view_code(view, "disk:* > 90 for 10m clear 87");
    act_call_back(turn, view, back);
    turn_ask(turn, view, "rule %s when", ruling->rule->name);
}

static const struct severity_word {
    const char *word;
    Roost__V1__Severity severity;
} severity_words[] = {
    { "info", ROOST__V1__SEVERITY__INFO },
    { "warning", ROOST__V1__SEVERITY__WARNING },
    { "critical", ROOST__V1__SEVERITY__CRITICAL },
};

enum { SEVERITIES = sizeof(severity_words) / sizeof(severity_words[0]) };

static void change_severity(struct turn *turn, struct ruling *ruling) {
    const char *word = turn_word(turn, 2);

    for (size_t i = 0; word && i < SEVERITIES; i++)
        if (strcasecmp(word, severity_words[i].word) == 0) {
            ruling->rule->severity = severity_words[i].severity;
            put(turn, ruling);
            return;
        }
    if (word) {
        turn_complain(turn,
                      turn_say(turn, "\"%s\" is no severity: info, warning, "
                                     "critical"),
                      word);
        return;
    }
    auto_(mem_freep) char *back = mem_printf("rule %s", ruling->rule->name);
    struct view *view = view_new();
    view_title(view, turn_say(turn, "How severe is %s?"), ruling->rule->name);
    for (size_t i = 0; i < SEVERITIES; i++) {
        Roost__V1__Severity severity = severity_words[i].severity;
        auto_(mem_freep) char *label =
            mem_printf("%s %s", alert_text_severity_mark(severity),
                       alert_text_severity(turn_language(turn), severity));
        view_button(view, VIEW_PLAIN, label, "rule %s severity %s", ruling->rule->name,
                    severity_words[i].word);
    }
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void ask_repeat(struct turn *turn, const struct ruling *ruling) {
    static const char *const choices[] = { "30m", "1h", "4h", "24h" };
    auto_(mem_freep) char *back = mem_printf("rule %s", ruling->rule->name);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "How often is %s told again?"), ruling->rule->name);
    view_text(view, "%s", turn_say(turn, "Until somebody looks after it."));
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
        view_button(view, VIEW_PLAIN, choices[i], "rule %s repeat %s", ruling->rule->name,
                    choices[i]);
    view_button(view, VIEW_PLAIN, turn_say(turn, "never"), "rule %s repeat never",
                ruling->rule->name);
    act_call_back(turn, view, back);
    turn_ask(turn, view, "rule %s repeat", ruling->rule->name);
}

static void change_repeat(struct turn *turn, struct ruling *ruling) {
    const char *word = turn_word(turn, 2);
    uint64_t ms = 0;

    if (!word) {
        ask_repeat(turn, ruling);
        return;
    }
    if (strcasecmp(word, "never") != 0 && strcmp(word, "0") != 0 &&
        !alert_text_parse_length(word, repeat_max_ms, &ms)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no length of time"), word);
        return;
    }
    ruling->rule->repeat_s = (uint32_t)(ms / 1000);
    put(turn, ruling);
}

/* --- removing it --- */

static void on_removed(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    struct ruling *ruling = arg;

    if (status == GRPC_OK || status == GRPC_NOT_FOUND)
        ask_list(turn, ruling, on_list);
    else
        fail(turn, ruling, status, message);
}

static void remove_rule(struct turn *turn, struct ruling *ruling) {
    Roost__V1__RemoveRuleRequest request = ROOST__V1__REMOVE_RULE_REQUEST__INIT;
    auto_(mem_freep) char *back = mem_printf("rule %s", ruling->rule->name);

    if (turn_is_confirmed(turn)) {
        request.name = ruling->rule->name;
        turn_call(turn, NULL, "/roost.v1.Alerts/RemoveRule", &request.base, on_removed,
                  ruling);
        return;
    }
    struct view *view = view_new();
    view_title(view, turn_say(turn, "⚠️ Remove %s?"), ruling->rule->name);
    view_code(view, ruling->rule->condition);
    view_text(view, "%s",
              ruling->rule->built_in
                  ? turn_say(turn, "It is set back to what Roost came with.")
                  : turn_say(turn, "Nobody is told of it any more; what goes on, ends."));
    view_confirm(view, VIEW_DANGER, turn_say(turn, "yes, do it"), "rule %s remove",
                 ruling->rule->name);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

/* --- testing it --- */

static void add_found(struct turn *turn,
                      struct view *view,
                      const Roost__V1__Incident *incident) {
    struct buf line = { 0 };
    char when[ACT_TEXT_LEN], length[ALERT_TEXT_LEN];

    alert_text_subject(turn_language(turn), incident, &line);
    act_text_time(timestamp_get(incident->started), when);
    alert_text_length(turn_language(turn), incident, act_text_now_ms(turn), length);
    view_text(view, "%s · %s · %s", when, buf_text(&line), length);
    buf_done(&line);
}

static void on_tested(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__TestRuleResponse *response =
        (const Roost__V1__TestRuleResponse *)reply;
    struct ruling *ruling = arg;

    if (status != GRPC_OK) {
        fail(turn, ruling, status, message);
        return;
    }
    auto_(mem_freep) char *back = mem_printf("rule %s", ruling->rule->name);
    struct view *view = view_new();
    view_title(view, turn_say(turn, "🧪 %s, over the last day"), ruling->rule->name);
    view_note(view, "%s", response->reading);
    view_text(view, turn_say(turn, "It would have fired %zu times, on %u series."),
              response->n_incidents, response->series);
    for (size_t i = 0; i < response->n_incidents && i < FOUND_SHOWN; i++)
        add_found(turn, view, response->incidents[i]);
    if (response->n_incidents > FOUND_SHOWN)
        view_note(view, turn_say(turn, "and %zu more"),
                  response->n_incidents - FOUND_SHOWN);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void test_rule(struct turn *turn, struct ruling *ruling) {
    Roost__V1__TestRuleRequest request = ROOST__V1__TEST_RULE_REQUEST__INIT;

    request.rule = ruling->rule;
    turn_call(turn, NULL, "/roost.v1.Alerts/TestRule", &request.base, on_tested, ruling);
}

static const struct rule_verb {
    const char *name;
    void (*act)(struct turn *turn, struct ruling *ruling);
} verbs[] = {
    { "on", turn_on },
    { "off", turn_off },
    { "when", change_condition },
    { "severity", change_severity },
    { "repeat", change_repeat },
    { "remove", remove_rule },
    { "test", test_rule },
};

void alert_rules_one(struct turn *turn) {
    const char *name = turn_word(turn, 0);
    const char *verb = turn_word(turn, 1);

    if (!name) {
        alert_rules_list(turn);
        return;
    }
    struct ruling *ruling = begin(turn, NULL, name);
    ruling->act = verb ? NULL : show_it;
    for (size_t i = 0; verb && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcasecmp(verb, verbs[i].name) == 0)
            ruling->act = verbs[i].act;
    if (ruling->act)
        ask_list(turn, ruling, on_found);
    else
        turn_complain(turn, turn_say(turn, "\"%s\" is nothing that is done to a rule"),
                      verb);
}
