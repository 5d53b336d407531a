#include "alerts/rules/condition.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alerts/rules/condition_unit.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/name.h"

enum {
    WORD_MAX = 300, /* the longest name of a series, and a little */
};

static const uint64_t for_max_ms = UINT64_C(366) * 86400000;
static const uint64_t rate_span_ms = 300000;       /* when none is given */
static const uint64_t rate_span_max_ms = 86400000; /* its samples are in memory */
static const uint64_t absent_for_ms = 300000;      /* when none is given */
static const double number_max = 9e15;             /* what a double still counts */

/* A text on its way to be read. */
struct reading {
    const char *text;
    const char *at;
    unsigned nodes;
    unsigned depth;
    char *why; /* owned: the first thing that is wrong */
};

struct condition *condition_free(struct condition *condition) {
    if (!condition)
        return NULL;
    for (size_t i = 0; i < condition->part_count; i++)
        condition_free(condition->parts[i]);
    free(condition->parts);
    free(condition->series);
    free(condition);
    return NULL;
}

static void condition_freep(struct condition **condition) {
    condition_free(*condition);
}

/* Always NULL: what the caller answers. */
static struct condition *refuse(struct reading *reading,
                                const char *at,
                                const char *what,
                                const char *object) {
    if (reading->why)
        return NULL;
    size_t place = (size_t)(at - reading->text) + 1;
    reading->why = object ? mem_printf("at %zu: %s \"%.60s\"", place, what, object)
                          : mem_printf("at %zu: %s", place, what);
    return NULL;
}

static void skip_spaces(struct reading *reading) {
    reading->at += strspn(reading->at, " \t\r\n");
}

static bool take_char(struct reading *reading, char wanted) {
    skip_spaces(reading);
    if (*reading->at != wanted)
        return false;
    reading->at++;
    return true;
}

/* How long the word is that stands here; it ends before any of stops. */
static size_t word_len(struct reading *reading, const char *stops) {
    skip_spaces(reading);
    return strcspn(reading->at, stops);
}

static const char word_stops[] = " \t\r\n()<>=!,\"";

static bool is_word(struct reading *reading, const char *word) {
    size_t len = word_len(reading, word_stops);
    return len == strlen(word) && strncasecmp(reading->at, word, len) == 0;
}

static bool take_word(struct reading *reading, const char *word) {
    if (!is_word(reading, word))
        return false;
    reading->at += strlen(word);
    return true;
}

/* A function's name: the word and a parenthesis. */
static bool take_call(struct reading *reading, const char *word) {
    const char *before = reading->at;

    if (take_word(reading, word) && take_char(reading, '('))
        return true;
    reading->at = before;
    return false;
}

/* Copies the word, or what is between quotes; false when there is none or it is long. */
static bool copy_word(struct reading *reading,
                      const char *stops,
                      char word[static WORD_MAX],
                      bool *ret_is_quoted) {
    bool is_quoted = take_char(reading, '"');
    size_t len = is_quoted ? strcspn(reading->at, "\"") : word_len(reading, stops);

    if (len == 0 || len >= WORD_MAX || (is_quoted && reading->at[len] != '"'))
        return false;
    memcpy(word, reading->at, len);
    word[len] = '\0';
    reading->at += len + (is_quoted ? 1 : 0);
    *ret_is_quoted = is_quoted;
    return true;
}

static struct condition *make(struct reading *reading, enum condition_kind kind) {
    if (++reading->nodes > CONDITION_NODES_MAX)
        return refuse(reading, reading->at, "too many parts", NULL);
    struct condition *condition = mem_new(sizeof(*condition));
    condition->kind = kind;
    condition->series = mem_strdup("");
    condition->clear = NAN;
    return condition;
}

static void put_series(struct condition *condition, const char *series) {
    free(condition->series);
    condition->series = mem_strdup(series);
}

static bool expect(struct reading *reading, char wanted) {
    if (take_char(reading, wanted))
        return true;
    char what[] = "'?' is missing";
    what[1] = wanted;
    refuse(reading, reading->at, what, NULL);
    return false;
}

/* The name as the table has it; what is quoted may be unknown to the table. */
static bool name_series(struct reading *reading,
                        struct condition *condition,
                        const char *at,
                        const char *word,
                        bool is_quoted) {
    auto_(mem_freep) char *lower = mem_strdup(word);
    for (char *c = lower; *c && *c != ':' && !is_quoted; c++)
        *c = (char)tolower((unsigned char)*c); /* phones begin with a capital */
    const char *name = metric_resolve(lower);
    size_t base = strcspn(name, ":");

    if (strcspn(name, "*?") < base) {
        refuse(reading, at, "a pattern may stand only behind a colon:", word);
        return false;
    }
    if (!is_quoted && !metric_find(name)) {
        auto_(mem_freep) char *alone = mem_dup(name, base);
        bool is_of_host = metric_find(alone);
        refuse(reading, at, is_of_host ? "has no parts:" : "no metric is named", word);
        return false;
    }
    put_series(condition, name);
    return true;
}

static bool take_series(struct reading *reading, struct condition *condition) {
    bool is_quoted = false;
    char word[WORD_MAX];

    skip_spaces(reading);
    const char *at = reading->at;
    if (!copy_word(reading, word_stops, word, &is_quoted)) {
        refuse(reading, at, "the name of a metric is missing", NULL);
        return false;
    }
    return name_series(reading, condition, at, word, is_quoted);
}

/* A number and its unit; is_rate: of a change a second. */
static bool take_number(struct reading *reading,
                        const char *series,
                        bool is_rate,
                        double *ret_number) {
    const struct metric *metric = metric_find(series);
    char word[WORD_MAX];
    bool is_quoted;
    char *end;
    double factor = 1;

    skip_spaces(reading);
    const char *at = reading->at;
    double number = strtod(at, &end);
    if (end == at || strspn(at, "+-.0123456789eE") < (size_t)(end - at))
        return refuse(reading, at, "a number is missing", NULL);
    if (fabs(number) > number_max)
        return refuse(reading, at, "the number is too large", NULL);
    reading->at = end;
    skip_spaces(reading);
    const char *unit_at = reading->at;
    bool has_unit = word_len(reading, word_stops) > 0 && !is_word(reading, "for") &&
                    !is_word(reading, "clear") && !is_word(reading, "and") &&
                    !is_word(reading, "or");
    if (!has_unit) {
        *ret_number = number;
        return true;
    }
    if (!copy_word(reading, word_stops, word, &is_quoted))
        return refuse(reading, unit_at, "this is no unit", NULL);
    const char *unit = metric ? metric->unit : NULL;
    if (!(is_rate ? condition_unit_rate(word, unit, &factor)
                  : condition_unit_factor(word, unit, &factor)))
        return refuse(reading, unit_at, "the metric is not measured in", word);
    *ret_number = number * factor;
    return true;
}

static bool take_operator(struct reading *reading, enum condition_operator *ret_op) {
    static const struct {
        const char *text;
        enum condition_operator op;
    } operators[] = {
        { ">=", CONDITION_MORE_EQUAL }, { "<=", CONDITION_LESS_EQUAL },
        { "!=", CONDITION_NOT_EQUAL },  { "==", CONDITION_EQUAL },
        { ">", CONDITION_MORE },        { "<", CONDITION_LESS },
        { "=", CONDITION_EQUAL },
    };

    skip_spaces(reading);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (strncmp(reading->at, operators[i].text, strlen(operators[i].text)) == 0) {
            reading->at += strlen(operators[i].text);
            *ret_op = operators[i].op;
            return true;
        }
    refuse(reading, reading->at, "one of > >= < <= = != is missing", NULL);
    return false;
}

static bool take_duration(struct reading *reading, uint64_t max_ms, uint64_t *ret_ms) {
    char word[WORD_MAX];
    char unit[WORD_MAX];
    bool is_quoted;
    uint64_t unit_ms;

    skip_spaces(reading);
    const char *at = reading->at;
    if (!copy_word(reading, word_stops, word, &is_quoted) ||
        clock_parse_duration(word, ret_ms) != 0) {
        refuse(reading, at, "a duration is missing, such as 10m", NULL);
        return false;
    }
    const char *behind = reading->at;
    bool is_alone = strspn(word, "0123456789") == strlen(word);
    if (is_alone && copy_word(reading, word_stops, unit, &is_quoted) &&
        condition_unit_time(unit, &unit_ms))
        *ret_ms =
            *ret_ms / 1000 > max_ms / unit_ms ? max_ms + 1 : *ret_ms / 1000 * unit_ms;
    else
        reading->at = behind;
    if (*ret_ms <= max_ms)
        return true;
    refuse(reading, at, "the duration is too long", NULL);
    return false;
}

/* OP NUMBER [UNIT] behind what is measured. */
static bool take_level(struct reading *reading, struct condition *condition) {
    return take_operator(reading, &condition->op) &&
           take_number(reading, condition->series, condition->kind == CONDITION_RATE,
                       &condition->number);
}

/* "<" DURATION behind what is foreseen. */
static bool take_within(struct reading *reading, struct condition *condition) {
    if (!take_char(reading, '<')) {
        refuse(reading, reading->at, "\"< DURATION\" is missing", NULL);
        return false;
    }
    return take_duration(reading, for_max_ms, &condition->span_ms);
}

static bool take_rate(struct reading *reading, struct condition *condition) {
    condition->span_ms = rate_span_ms;
    if (!take_series(reading, condition))
        return false;
    if (take_char(reading, ',')) {
        skip_spaces(reading);
        const char *at = reading->at;
        if (!take_duration(reading, rate_span_max_ms, &condition->span_ms))
            return false;
        if (condition->span_ms < 1000)
            return refuse(reading, at, "less than a second", NULL);
    }
    return expect(reading, ')') && take_level(reading, condition);
}

static bool take_absent(struct reading *reading, struct condition *condition) {
    skip_spaces(reading);
    const char *at = reading->at;

    condition->for_ms = absent_for_ms;
    if (!take_series(reading, condition))
        return false;
    if (name_is_glob(condition->series))
        return refuse(reading, at, "which one? Of a pattern none is missed", NULL);
    return expect(reading, ')');
}

static bool take_forecast(struct reading *reading, struct condition *condition) {
    return take_series(reading, condition) && expect(reading, ',') &&
           take_number(reading, condition->series, false, &condition->number) &&
           expect(reading, ')') && take_within(reading, condition);
}

/* What is asked of the node: a word that ends with the parenthesis. */
static bool take_target(struct reading *reading, char word[static WORD_MAX]) {
    bool is_quoted;

    skip_spaces(reading);
    const char *at = reading->at;
    if (!copy_word(reading, " \t\r\n()\"", word, &is_quoted))
        return refuse(reading, at, "a target is missing", NULL);
    return true;
}

static bool take_unit(struct reading *reading, struct condition *condition) {
    char word[WORD_MAX];

    if (!take_target(reading, word))
        return false;
    put_series(condition, word);
    return expect(reading, ')');
}

/* "host:443", "[::1]:443" */
static bool has_port(const char *target) {
    const char *colon = strrchr(target, ':');

    if (!colon || colon == target || (target[0] == '[') != (colon[-1] == ']'))
        return false;
    size_t digits = strspn(colon + 1, "0123456789");
    long port = strtol(colon + 1, NULL, 10);
    return digits > 0 && digits <= 5 && colon[1 + digits] == '\0' && port > 0 &&
           port < 65536;
}

static bool take_certificate(struct reading *reading, struct condition *condition) {
    char word[WORD_MAX];

    skip_spaces(reading);
    const char *at = reading->at;
    if (!take_target(reading, word))
        return false;
    if (!has_port(word))
        return refuse(reading, at, "HOST:PORT is wanted, not", word);
    put_series(condition, word);
    return expect(reading, ')') && take_within(reading, condition);
}

static bool take_probe(struct reading *reading, struct condition *condition) {
    static const char *const kinds[] = { "tcp", "http", "ping" };
    char word[WORD_MAX];

    skip_spaces(reading);
    const char *at = reading->at;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!take_word(reading, kinds[i]))
            continue;
        skip_spaces(reading);
        const char *target_at = reading->at;
        if (!take_target(reading, word))
            return false;
        if (i == 0 && !has_port(word))
            return refuse(reading, target_at, "HOST:PORT is wanted, not", word);
        auto_(mem_freep) char *target = mem_printf("%s %s", kinds[i], word);
        put_series(condition, target);
        return expect(reading, ')');
    }
    return refuse(reading, at, "one of tcp, http and ping is wanted", NULL);
}

/* Tests that are written as calls: a name, and what reads the rest. */
static const struct call {
    const char *name;
    enum condition_kind kind;
    bool (*take)(struct reading *reading, struct condition *condition);
} calls[] = {
    { "rate", CONDITION_RATE, take_rate },
    { "absent", CONDITION_ABSENT, take_absent },
    { "forecast", CONDITION_FORECAST, take_forecast },
    { "unit", CONDITION_UNIT, take_unit },
    { "certificate", CONDITION_CERTIFICATE, take_certificate },
    { "probe", CONDITION_PROBE, take_probe },
};

static struct condition *take_what(struct reading *reading) {
    auto_(condition_freep) struct condition *condition = make(reading, CONDITION_LEVEL);

    if (!condition)
        return NULL;
    if (take_word(reading, "offline")) {
        condition->kind = CONDITION_OFFLINE;
        put_series(condition, "offline");
        return TAKE(condition);
    }
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (take_call(reading, calls[i].name)) {
            condition->kind = calls[i].kind;
            return calls[i].take(reading, condition) ? TAKE(condition) : NULL;
        }
    if (!take_series(reading, condition) || !take_level(reading, condition))
        return NULL;
    return TAKE(condition);
}

/* Is the number on the side of the operator's that is all well? */
static bool may_clear_at(const struct condition *condition) {
    switch (condition->op) {
    case CONDITION_MORE:
    case CONDITION_MORE_EQUAL:
        return condition->clear <= condition->number;
    case CONDITION_LESS:
    case CONDITION_LESS_EQUAL:
        return condition->clear >= condition->number;
    default:
        return false;
    }
}

static bool take_clear(struct reading *reading, struct condition *condition) {
    bool is_rate = condition->kind == CONDITION_RATE;

    skip_spaces(reading);
    const char *at = reading->at;
    if (condition->kind != CONDITION_LEVEL && !is_rate)
        return refuse(reading, at, "only a level and a rate may clear at a number", NULL);
    if (!take_number(reading, condition->series, is_rate, &condition->clear))
        return false;
    if (!may_clear_at(condition))
        return refuse(reading, at, "it cannot clear at where it begins, or beyond", NULL);
    return true;
}

static struct condition *take_test(struct reading *reading) {
    auto_(condition_freep) struct condition *condition = take_what(reading);
    bool has_for = false, has_clear = false;

    while (condition) {
        if (!has_for && take_word(reading, "for")) {
            has_for = true;
            if (!take_duration(reading, for_max_ms, &condition->for_ms))
                return NULL;
        } else if (!has_clear && take_word(reading, "clear")) {
            has_clear = true;
            if (!take_clear(reading, condition))
                return NULL;
        } else {
            return TAKE(condition);
        }
    }
    return NULL;
}

static struct condition *take_condition(struct reading *reading);

static void add_part(struct condition *whole, struct condition *part) {
    whole->parts =
        mem_grow(whole->parts, (whole->part_count + 1) * sizeof(*whole->parts));
    whole->parts[whole->part_count++] = part;
}

/* "2 of (a, b, c)": the number stands here already. */
static struct condition *take_some(struct reading *reading) {
    auto_(condition_freep) struct condition *whole = make(reading, CONDITION_SOME);
    const char *at = reading->at;
    char *end;

    if (!whole)
        return NULL;
    unsigned long some = strtoul(at, &end, 10);
    reading->at = end;
    if (!take_word(reading, "of") || !expect(reading, '('))
        return refuse(reading, reading->at, "\"of (\" is missing", NULL);
    do {
        struct condition *part = take_condition(reading);
        if (!part)
            return NULL;
        add_part(whole, part);
    } while (take_char(reading, ','));
    if (!expect(reading, ')'))
        return NULL;
    if (some == 0 || some > whole->part_count)
        return refuse(reading, at, "there are not so many parts", NULL);
    whole->some = (unsigned)some;
    return TAKE(whole);
}

static bool is_some(struct reading *reading) {
    skip_spaces(reading);
    size_t digits = strspn(reading->at, "0123456789");
    const char *behind = reading->at + digits;

    behind += strspn(behind, " \t\r\n");
    return digits > 0 && digits < 4 && strncasecmp(behind, "of", 2) == 0;
}

static struct condition *take_one(struct reading *reading) {
    if (is_some(reading))
        return take_some(reading);
    if (!take_char(reading, '('))
        return take_test(reading);
    auto_(condition_freep) struct condition *inner = take_condition(reading);
    if (!inner || !expect(reading, ')'))
        return NULL;
    return TAKE(inner);
}

/* Parts with a word between them; one part is itself. */
static struct condition *take_joined(struct reading *reading,
                                     const char *word,
                                     enum condition_kind kind,
                                     struct condition *(*take)(struct reading *)) {
    auto_(condition_freep) struct condition *first = take(reading);
    auto_(condition_freep) struct condition *whole = NULL;

    if (!first || !is_word(reading, word))
        return TAKE(first);
    whole = make(reading, kind);
    if (!whole)
        return NULL;
    add_part(whole, TAKE(first));
    while (take_word(reading, word)) {
        struct condition *part = take(reading);
        if (!part)
            return NULL;
        add_part(whole, part);
    }
    return TAKE(whole);
}

static struct condition *take_all(struct reading *reading) {
    return take_joined(reading, "and", CONDITION_ALL, take_one);
}

static struct condition *take_condition(struct reading *reading) {
    struct condition *condition = NULL;

    if (++reading->depth > CONDITION_DEPTH_MAX)
        return refuse(reading, reading->at, "too deep", NULL);
    condition = take_joined(reading, "or", CONDITION_ANY, take_all);
    reading->depth--;
    return condition;
}

struct condition *condition_parse(const char *text, char **ret_why) {
    struct reading reading = { .text = text, .at = text };
    auto_(condition_freep) struct condition *condition = NULL;

    if (strlen(text) > CONDITION_TEXT_MAX) {
        *ret_why = mem_printf("longer than %d characters", CONDITION_TEXT_MAX);
        return NULL;
    }
    condition = take_condition(&reading);
    skip_spaces(&reading);
    if (condition && *reading.at != '\0')
        refuse(&reading, reading.at, "not understood:", reading.at);
    if (!reading.why)
        return TAKE(condition);
    *ret_why = reading.why;
    return NULL;
}
