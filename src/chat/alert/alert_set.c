#include "chat/alert/alert_set.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/metric.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/alert/alert_offer.h"
#include "chat/alert/alert_text.h"
#include "wire/pb.h"

enum { NAME_LEN_MAX = 64, LISTED_MAX = 20 };

/* --- names of rules --- */

static void add_name(struct buf *out, const char *text) {
    bool was_dash = out->len == 0;

    for (const char *at = text; *at && out->len < NAME_LEN_MAX; at++) {
        unsigned char letter = (unsigned char)*at;
        bool is_letter = letter < 0x80 && (isalnum(letter) || letter == '.');
        if (is_letter)
            buf_add_byte(out, (uint8_t)tolower(letter));
        else if (!was_dash)
            buf_add_byte(out, '-');
        was_dash = !is_letter;
    }
    while (out->len > 0 && out->data[out->len - 1] == '-')
        out->len--;
}

/* One for each person, node and metric, as older bots had it: "ada-nas-cpu". A new
 * string. */
static char *rule_name(const struct turn *turn, const char *condition) {
    auto_(mem_freep) char *first =
        mem_dup(condition, strcspn(condition, condition[0] ? " <>=!" : ""));
    struct buf out = { 0 };

    add_name(&out, turn_actor(turn)->name);
    if (out.len == 0)
        buf_add_byte(&out, 'u');
    buf_add_byte(&out, '-');
    add_name(&out, turn_node(turn));
    buf_add_byte(&out, '-');
    add_name(&out, first);
    return buf_take_text(&out);
}

/* --- making it --- */

static void on_put(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    const Roost__V1__Rule *rule = (const Roost__V1__Rule *)reply;

    if (status == GRPC_INVALID_ARGUMENT) {
        turn_complain(turn, "%s", message);
        return;
    }
    if (status != GRPC_OK) {
        act_call_fail(turn, status, message, turn_say(turn, "Rules"), NULL, "rules");
        return;
    }
    struct view *view = view_new();
    view_title(view, "✅ %s", turn_node(turn));
    view_code(view, rule->condition);
    view_text(view, "%s", turn_say(turn, "You are told in private when it is so."));
    view_note(view, turn_say(turn, "Rule %s"), rule->name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "test"), "rule %s test", rule->name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "severity…"), "rule %s severity",
                rule->name);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "remove…"), "rule %s remove",
                rule->name);
    view_button(view, VIEW_PLAIN, turn_say(turn, "rules"), "rules");
    turn_show(turn, view);
}

static void put(struct turn *turn, const char *condition) {
    Roost__V1__PutRuleRequest request = ROOST__V1__PUT_RULE_REQUEST__INIT;
    Roost__V1__Rule rule = ROOST__V1__RULE__INIT;
    auto_(mem_freep) char *name = rule_name(turn, condition);

    rule.name = name;
    rule.select = pb_lend(turn_node(turn));
    rule.condition = pb_lend(condition);
    rule.severity = ROOST__V1__SEVERITY__WARNING;
    rule.owner = turn_actor(turn)->name;
    request.rule = &rule;
    turn_call(turn, NULL, "/roost.v1.Alerts/PutRule", &request.base, on_put, NULL);
}

/* --- reading the line --- */

/* "90", "90.5", "90,5", "90%". */
static bool parse_number(const char *text, double *ret_number) {
    auto_(mem_freep) char *copy = mem_strdup(text);
    char *comma = strchr(copy, ',');
    char *end;

    if (comma)
        *comma = '.';
    double number = strtod(copy, &end);
    if (end == copy || !isfinite(number) || (strcmp(end, "%") != 0 && *end != '\0') ||
        strpbrk(copy, "xXpPnN"))
        return false;
    *ret_number = number;
    return true;
}

/* The words as one line; they were apart by blanks. A new string. */
static char *join_words(const struct turn *turn) {
    struct buf out = { 0 };

    for (size_t i = 0; i < turn_count(turn); i++)
        buf_printf(&out, "%s%s", i > 0 ? " " : "", turn_word(turn, i));
    return buf_take_text(&out);
}

/* So much better it has to be before it is over: what moves about the number would come
 * and go. A tenth, and no more than 5 of a percentage or of degrees. */
static double margin_of(const struct metric *metric, double number) {
    bool is_narrow = strcmp(metric->unit, "%") == 0 || strcmp(metric->unit, "Cel") == 0;
    double margin = fabs(number) / 10;

    return is_narrow && margin > 5 ? 5 : margin;
}

/* "cpu 90" of older bots: the condition, a new string; NULL: it was told what is wrong.
 */
static char *older_condition(struct turn *turn, const char *series, double number) {
    const struct metric *metric = metric_find(series);
    bool is_percent = metric && strcmp(metric->unit, "%") == 0;

    if (!metric) {
        turn_complain(turn, turn_say(turn, "There is no metric \"%s\""), series);
        return NULL;
    }
    if (is_percent && (number < 0 || number > 100)) {
        turn_complain(turn, "%s", turn_say(turn, "A percentage is from 0 to 100"));
        return NULL;
    }
    double clear = number - margin_of(metric, number);
    return clear < number ? mem_printf("%s >= %.10g clear %.10g", series, number, clear)
                          : mem_printf("%s >= %.10g", series, number);
}

/* A condition that needs no number: "offline", "unit(...)", "absent(...)". */
static bool is_whole(const char *word) {
    return strcasecmp(word, "offline") == 0 || strchr(word, '(');
}

void alert_set_put(struct turn *turn) {
    const char *first = turn_word(turn, 0);
    const char *second = turn_word(turn, 1);
    double number;

    if (!first) {
        alert_offer_metrics(turn);
        return;
    }
    const char *series = metric_resolve(first);
    if (!second && !is_whole(first)) {
        alert_offer_numbers(turn, series);
        return;
    }
    if (second && !turn_word(turn, 2) && parse_number(second, &number)) {
        auto_(mem_freep) char *older = older_condition(turn, series, number);
        if (older)
            put(turn, older);
        return;
    }
    auto_(mem_freep) char *condition = join_words(turn);
    if (turn_flag(turn, "ask"))
        alert_offer_lengths(turn, condition);
    else
        put(turn, condition);
}

/* --- removing it --- */

static bool is_own(const struct turn *turn, const Roost__V1__Rule *rule) {
    return strcmp(rule->owner, turn_actor(turn)->name) == 0;
}

/* Is the rule about that metric on this node? */
static bool is_about(const struct turn *turn,
                     const Roost__V1__Rule *rule,
                     const char *series) {
    size_t len = strlen(series);

    return is_own(turn, rule) && strcmp(rule->select, turn_node(turn)) == 0 &&
           strncmp(rule->condition, series, len) == 0 &&
           (rule->condition[len] == '\0' || strchr(" <>=!:(", rule->condition[len]));
}

static void on_removed(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    if (status != GRPC_OK && status != GRPC_NOT_FOUND) {
        act_call_fail(turn, status, message, turn_say(turn, "Rules"), NULL, "rules");
        return;
    }
    struct view *view = view_new();
    view_title(view, "✅ %s", turn_node(turn));
    view_text(view, "%s", turn_say(turn, "You are not told of it any more."));
    view_button(view, VIEW_PLAIN, turn_say(turn, "rules"), "rules");
    turn_show(turn, view);
}

static void remove_rule(struct turn *turn, const char *name) {
    Roost__V1__RemoveRuleRequest request = ROOST__V1__REMOVE_RULE_REQUEST__INIT;

    request.name = pb_lend(name);
    turn_call(turn, NULL, "/roost.v1.Alerts/RemoveRule", &request.base, on_removed, NULL);
}

static void show_own(struct turn *turn,
                     const Roost__V1__ListRulesResponse *list,
                     const char *series) {
    struct view *view = view_new();
    size_t count = 0;

    for (size_t i = 0; i < list->n_rules && count < LISTED_MAX; i++) {
        const Roost__V1__Rule *rule = list->rules[i];
        if (!is_own(turn, rule))
            continue;
        auto_(mem_freep) char *label = act_text_cut(rule->condition, 60);
        count++;
        view_row(view);
        view_button(view, VIEW_PLAIN, label, "delalert %s --rule %s", turn_node(turn),
                    rule->name);
    }
    if (series)
        view_title(view, turn_say(turn, "You have no alert for %s on %s"), series,
                   turn_node(turn));
    else if (count == 0)
        view_title(view, turn_say(turn, "You have no alerts of your own on %s"),
                   turn_node(turn));
    else
        view_title(view, turn_say(turn, "Which alert on %s is to go?"), turn_node(turn));
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "➕ a new one"), "setalert %s",
                turn_node(turn));
    view_button(view, VIEW_PLAIN, turn_say(turn, "rules"), "rules");
    turn_show(turn, view);
}

static void on_rules(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ListRulesResponse *list =
        (const Roost__V1__ListRulesResponse *)reply;
    const char *word = turn_word(turn, 0);
    const char *series = word ? metric_resolve(word) : NULL;

    if (status != GRPC_OK) {
        act_call_fail(turn, status, message, turn_say(turn, "Rules"), NULL, "rules");
        return;
    }
    for (size_t i = 0; series && i < list->n_rules; i++)
        if (is_about(turn, list->rules[i], series)) {
            remove_rule(turn, list->rules[i]->name);
            return;
        }
    show_own(turn, list, word);
}

void alert_set_remove(struct turn *turn) {
    Roost__V1__ListRulesRequest request = ROOST__V1__LIST_RULES_REQUEST__INIT;
    const char *name = turn_flag(turn, "rule");

    if (name && *name) {
        remove_rule(turn, name);
        return;
    }
    request.select = pb_lend(turn_node(turn));
    turn_call(turn, NULL, "/roost.v1.Alerts/ListRules", &request.base, on_rules, NULL);
}
