#include "chat/values/look_plot_words.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/metric.h"

enum {
    DIGITS_MAX = 9,
    NAME_MAX_LEN = KIND_METRIC_LEN - 16, /* as kind.c has it: room for ".used" */
    NODES_MAX_LEN = 1024,
};

static const int64_t SPAN_MAX_MS = INT64_C(86400000) * 366 * 10;

/* What may follow the digits, the longer ones first. */
static const struct span_unit {
    const char *word;
    int64_t ms;
} span_units[] = {
    { "min", 60000 }, { "мин", 60000 },  { "s", 1000 },      { "m", 60000 },
    { "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 }, { "с", 1000 },
    { "м", 60000 },   { "ч", 3600000 },  { "д", 86400000 },  { "н", 604800000 },
};

static const char *const unit_words[] = { "b",    "kib", "kb",     "mib",  "mb",
                                          "gib",  "gb",  "bit",    "kbit", "mbit",
                                          "gbit", "%",   "percent" };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct span_unit *find_span_unit(const char *at) {
    for (size_t i = 0; i < COUNT(span_units); i++)
        if (strncasecmp(at, span_units[i].word, strlen(span_units[i].word)) == 0)
            return &span_units[i];
    return NULL;
}

int64_t look_plot_words_span(const char *word) {
    int64_t sum = 0;

    if (!*word)
        return -1;
    while (*word) {
        size_t digits = strspn(word, "0123456789");
        const struct span_unit *unit = find_span_unit(word + digits);
        int64_t number = 0;
        if (digits == 0 || digits > DIGITS_MAX || !unit)
            return -1;
        for (size_t i = 0; i < digits; i++)
            number = number * 10 + (word[i] - '0');
        sum += number * unit->ms;
        if (sum > SPAN_MAX_MS)
            sum = SPAN_MAX_MS + 1; /* stays too long, and overflows never */
        word += digits + strlen(unit->word);
    }
    return sum;
}

/* The name in small letters up to a colon: what follows may be a folder. A new string. */
static char *lower_name(const char *at, size_t len) {
    char *name = mem_dup(at, len);

    for (char *c = name; *c && *c != ':'; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}

bool look_plot_words_is_metric(const char *name) {
    if (strlen(name) > NAME_MAX_LEN)
        return false;
    auto_(mem_freep) char *low = lower_name(name, strlen(name));
    const char *known = metric_resolve(low);

    for (size_t i = 0; kind_name(i); i++)
        if (strcmp(kind_name(i), known) == 0)
            return true;
    return metric_find(known) != NULL;
}

/* Is one of the names of a list known? */
static bool has_metric(const char *list) {
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",;");
        auto_(mem_freep) char *name = mem_dup(at, len);
        if (look_plot_words_is_metric(name))
            return true;
        at += len + strspn(at + len, ",;");
    }
    return false;
}

/* Parts a list into the names that are known and those that are not. */
static void part_names(struct look_plot_words *plot, const char *list) {
    struct buf known = { 0 };
    struct buf unknown = { 0 };

    for (const char *at = list + strspn(list, ",;"); *at;) {
        size_t len = strcspn(at, ",;");
        auto_(mem_freep) char *name = mem_dup(at, len);
        struct buf *out = look_plot_words_is_metric(name) ? &known : &unknown;
        if (out->len < KIND_TITLE_LEN * 4)
            buf_printf(out, "%s%s",
                       out->len == 0   ? ""
                       : out == &known ? ";"
                                       : ", ",
                       name);
        at += len + strspn(at + len, ",;");
    }
    plot->names = known.len > 0 ? buf_take_text(&known) : NULL;
    plot->left_out = unknown.len > 0 ? buf_take_text(&unknown) : NULL;
    buf_done(&known);
    buf_done(&unknown);
}

/* "80", "80.5" or "80gib": the number, and where it ends. */
static bool is_number(const char *word, double *ret_number, const char **ret_end) {
    size_t whole = strspn(word, "0123456789");
    size_t part = word[whole] == '.' || word[whole] == ','
                      ? 1 + strspn(word + whole + 1, "0123456789")
                      : 0;

    if (whole == 0 || whole + part > DIGITS_MAX * 2)
        return false;
    auto_(mem_freep) char *digits = mem_dup(word, whole + part);
    if (part > 0)
        digits[whole] = '.';
    *ret_number = strtod(digits, NULL);
    *ret_end = word + whole + part;
    return true;
}

static int refuse(struct look_plot_words *plot, int why, const char *word) {
    free(plot->word);
    plot->word = mem_strdup(word);
    return why;
}

static bool is_unit(const char *word) {
    for (size_t i = 0; i < COUNT(unit_words); i++)
        if (strcasecmp(word, unit_words[i]) == 0)
            return true;
    return false;
}

static void set_unit(struct look_plot_words *plot, const char *word) {
    size_t len = strlen(word);

    while (len > 0 && word[len - 1] == ';')
        len--;
    free(plot->unit);
    plot->unit = len > 0 ? mem_dup(word, len) : NULL;
}

/* [TOP] [UNIT], and nothing else. */
static int read_axis(struct look_plot_words *plot,
                     const char *const *words,
                     size_t count) {
    const char *end = "";
    size_t at = 0;

    if (count > 0 && is_number(words[0], &plot->top, &end)) {
        set_unit(plot, end);
        at++;
    }
    if (at < count && !plot->unit)
        set_unit(plot, words[at++]);
    if (plot->unit && !is_unit(plot->unit))
        return refuse(plot,
                      count > 0 && isnan(plot->top) &&
                              strspn(words[0], "-+.0123456789") > 0
                          ? LOOK_PLOT_WORDS_E_TOP
                          : LOOK_PLOT_WORDS_E_UNIT,
                      plot->unit);
    return at < count ? refuse(plot, LOOK_PLOT_WORDS_E_EXTRA, words[at]) : 0;
}

/* The lengths of time are summed: 0, and how many words they were. */
static int read_spans(struct look_plot_words *plot,
                      const char *const *words,
                      size_t count,
                      size_t *ret_used) {
    size_t used = 0;

    for (; used < count; used++) {
        int64_t span_ms = look_plot_words_span(words[used]);
        if (span_ms < 0)
            break;
        plot->span_ms += span_ms;
        if (plot->span_ms > SPAN_MAX_MS)
            return refuse(plot, LOOK_PLOT_WORDS_E_LONG, words[used]);
    }
    if (used > 0 && plot->span_ms == 0)
        return refuse(plot, LOOK_PLOT_WORDS_E_LONG, words[used - 1]);
    *ret_used = used;
    return 0;
}

/* Which of the reasons that kind_choose() has for its sentence was it? */
static int find_reason(struct look_plot_words *plot) {
    struct kind kind;
    char *why = NULL;
    bool is_unit_fine = kind_choose(plot->names, plot->unit, NAN, &kind, &why) == 0;

    free(why);
    why = NULL;
    if (is_unit_fine)
        return refuse(plot,
                      plot->unit || !(plot->top > 0) || plot->top > 1e15
                          ? LOOK_PLOT_WORDS_E_TOP
                          : LOOK_PLOT_WORDS_E_TOP_UNIT,
                      NULL);
    bool is_fine = kind_choose(plot->names, NULL, NAN, &kind, &why) == 0;
    bool is_many = why && strstr(why, "at most") != NULL;
    free(why);
    if (is_fine)
        return refuse(plot, LOOK_PLOT_WORDS_E_FIT, plot->unit);
    return is_many ? LOOK_PLOT_WORDS_E_MANY : LOOK_PLOT_WORDS_E_MIXED;
}

static int choose(struct look_plot_words *plot) {
    char *why = NULL;

    if (kind_choose(plot->names, plot->unit, plot->top, &plot->kind, &why) == 0)
        return 0;
    free(why);
    return find_reason(plot);
}

/* Are the words behind the first ones metrics, so that the first names nodes? */
static bool begins_with_nodes(const char *const *words, size_t count) {
    return count > 1 && strlen(words[0]) <= NODES_MAX_LEN && !has_metric(words[0]) &&
           look_plot_words_span(words[0]) < 0 && look_plot_words_span(words[1]) < 0 &&
           has_metric(words[1]);
}

int look_plot_words_read(struct look_plot_words *plot,
                         const char *const *words,
                         size_t count,
                         bool has_span) {
    size_t used = 0;

    *plot = (struct look_plot_words) { .top = NAN };
    if (begins_with_nodes(words, count)) {
        plot->nodes = mem_strdup(words[0]);
        words++;
        count--;
    }
    if (count == 0)
        return refuse(plot, LOOK_PLOT_WORDS_E_METRICS, NULL);
    part_names(plot, words[0]);
    if (!plot->names)
        return refuse(plot, LOOK_PLOT_WORDS_E_METRICS, words[0]);
    int r = read_spans(plot, words + 1, count - 1, &used);
    if (r == 0 && used == 0 && !has_span)
        r = refuse(plot, LOOK_PLOT_WORDS_E_INTERVAL, count > 1 ? words[1] : NULL);
    if (r == 0)
        r = read_axis(plot, words + 1 + used, count - 1 - used);
    return r == 0 ? choose(plot) : r;
}

void look_plot_words_done(struct look_plot_words *plot) {
    free(plot->nodes);
    free(plot->names);
    free(plot->left_out);
    free(plot->unit);
    free(plot->word);
    *plot = (struct look_plot_words) { 0 };
}
