#include "draw/kind.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/metric.h"

enum {
    NAMES_PER_KIND = 4,
    WORD_LEN = KIND_METRIC_LEN,
    NAME_LEN = WORD_LEN - 16, /* room for ".used" */
    WORDS_MAX = 1024,         /* bytes: twelve of the longest names are shorter */
    SPAN_DAYS_MAX = 10 * 366,
};

static const int64_t DAY_MS = INT64_C(86400000);

/* The kinds that a person needs to know. */
static const struct standard {
    const char *name;
    const char *title;
    const char *metrics[NAMES_PER_KIND];
} standards[] = {
    { "cpu", "CPU", { "cpu" } },
    { "mem", "Memory", { "mem" } },
    { "net", "Network", { "net.rx", "net.tx" } },
    { "disk", "Disk space", { "disk" } },
    { "gpu", "GPU", { "gpu" } },
    { "vram", "GPU memory", { "vram" } },
    { "temp", "Temperature", { "temp.cpu", "temp.gpu" } },
    { "all", "CPU, memory, GPU, GPU memory", { "cpu", "mem", "gpu", "vram" } },
};

/* What a legend calls a metric; the others have their own names. */
static const struct {
    const char *metric;
    const char *label;
} labels[] = {
    { "cpu", "CPU" },         { "mem", "Memory" },
    { "mem.used", "Memory" }, { "net.rx", "received" },
    { "net.tx", "sent" },     { "disk", "Disk" },
    { "disk.used", "Disk" },  { "gpu", "GPU" },
    { "vram", "GPU memory" }, { "vram.used", "GPU memory" },
    { "temp.cpu", "CPU" },    { "temp.gpu", "GPU" },
    { "swap", "Swap" },       { "swap.used", "Swap" },
};

/* What a percentage is in bytes. */
static const struct {
    const char *percent;
    const char *bytes;
} sizes[] = {
    { "mem", "mem.used" },
    { "swap", "swap.used" },
    { "disk", "disk.used" },
    { "vram", "vram.used" },
};

static const struct unit_word {
    const char *word;
    enum figure_fixed fixed;
} unit_words[] = {
    { "b", FIGURE_B },       { "kib", FIGURE_KIB },   { "kb", FIGURE_KIB },
    { "mib", FIGURE_MIB },   { "mb", FIGURE_MIB },    { "gib", FIGURE_GIB },
    { "gb", FIGURE_GIB },    { "bit", FIGURE_BIT },   { "kbit", FIGURE_KBIT },
    { "mbit", FIGURE_MBIT }, { "gbit", FIGURE_GBIT },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const char *kind_name(size_t place) {
    return place < COUNT(standards) ? standards[place].name : NULL;
}

static int refuse(char **ret_why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(char **ret_why, const char *format, ...) {
    struct buf why = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&why, format, args);
    va_end(args);
    *ret_why = buf_take_text(&why);
    return KIND_E_REFUSED;
}

static const struct standard *find_standard(const char *name) {
    for (size_t i = 0; i < COUNT(standards); i++)
        if (strcmp(standards[i].name, name) == 0)
            return &standards[i];
    return NULL;
}

/* Says which names there are, and those that resemble this one. */
static int refuse_name(const char *name, char **ret_why) {
    struct buf near = { 0 };
    struct buf kinds = { 0 };
    size_t same = strlen(name) < 3 ? strlen(name) : 3;

    for (size_t i = 0; i < COUNT(standards); i++)
        buf_printf(&kinds, "%s%s", i > 0 ? ", " : "", standards[i].name);
    for (size_t i = 0; metric_at(i); i++)
        if (same > 1 && strncmp(metric_at(i)->name, name, same) == 0)
            buf_printf(&near, "%s%s", near.len > 0 ? ", " : "", metric_at(i)->name);
    int r =
        refuse(ret_why,
               "There is no metric \"%s\". Allowed are %s, and single metrics such as "
               "%s.",
               name, buf_text(&kinds),
               near.len > 0 ? buf_text(&near) : "load1, net.rx:eth0 or disk.used:/home");
    buf_done(&near);
    buf_done(&kinds);
    return r;
}

/* "disk:/home" with the name before the colon replaced. */
static void rename_metric(const char *metric,
                          const char *name,
                          char ret_metric[static WORD_LEN]) {
    const char *object = strchr(metric, ':');
    char *text = mem_printf("%s%s", name, object ? object : "");

    strncpy(ret_metric, text, WORD_LEN - 1);
    ret_metric[WORD_LEN - 1] = '\0';
    free(text);
}

static bool is_metric(const char *series, const char *metric) {
    size_t len = strlen(metric);
    return strncmp(series, metric, len) == 0 && (!series[len] || series[len] == ':');
}

/* A single object keeps its whole name; "disk:*" is about disks. */
static void label_series(struct kind_series *series) {
    const char *object = strchr(series->metric, ':');
    bool is_single = object && !strpbrk(object, "*?");

    strcpy(series->label, series->metric);
    if (object && !is_single)
        series->label[object - series->metric] = '\0';
    for (size_t i = 0; i < COUNT(labels) && !is_single; i++)
        if (is_metric(series->metric, labels[i].metric))
            strcpy(series->label, labels[i].label);
}

static int add_metric(struct kind *kind, const char *typed, char **ret_why) {
    const char *known = metric_resolve(typed);

    if (!metric_find(known))
        return refuse_name(typed, ret_why);
    for (size_t i = 0; i < kind->series_count; i++)
        if (strcmp(kind->series[i].metric, known) == 0)
            return 0; /* named twice is drawn once */
    if (kind->series_count == KIND_SERIES_MAX)
        return refuse(ret_why, "A chart shows %d metrics at most.", KIND_SERIES_MAX);
    struct kind_series *series = &kind->series[kind->series_count++];
    strncpy(series->metric, known, KIND_METRIC_LEN - 1);
    return 0;
}

static int add_name(struct kind *kind, const char *typed, char **ret_why) {
    const struct standard *standard = find_standard(metric_resolve(typed));
    int r = 0;

    if (!standard)
        return add_metric(kind, typed, ret_why);
    for (size_t i = 0; i < NAMES_PER_KIND && standard->metrics[i] && r == 0; i++)
        r = add_metric(kind, standard->metrics[i], ret_why);
    return r;
}

/* The next word up to one of the separators; false at the end. A word that is too long is
 * cut where no name is as long any more (NAME_LEN). */
static bool take_word(const char **at,
                      const char *separators,
                      char ret_word[static WORD_LEN]) {
    *at += strspn(*at, separators);
    size_t len = strcspn(*at, separators);

    if (len == 0)
        return false;
    size_t kept = len < WORD_LEN ? len : WORD_LEN - 1;
    while (kept < len && kept > 0 && ((unsigned char)(*at)[kept] & 0xc0) == 0x80)
        kept--; /* not within a character */
    memcpy(ret_word, *at, kept);
    ret_word[kept] = '\0';
    *at += len;
    return true;
}

static void lower(char *word) {
    /* What follows a colon may be a folder: /Data is not /data. */
    for (; *word && *word != ':'; word++)
        *word = (char)tolower((unsigned char)*word);
}

static int add_names(struct kind *kind, const char *names, char **ret_why) {
    char word[WORD_LEN];
    int r = 0;

    while (r == 0 && take_word(&names, ";, \t", word)) {
        if (strlen(word) > NAME_LEN)
            return refuse(ret_why,
                          "No metric has a name of more than %d bytes: too long.",
                          NAME_LEN);
        lower(word);
        r = add_name(kind, word, ret_why);
    }
    if (r == 0 && kind->series_count == 0)
        return refuse(ret_why, "Which metric? For example cpu, mem, net or cpu;mem.");
    return r;
}

static const struct unit_word *find_unit(const char *word) {
    for (size_t i = 0; i < COUNT(unit_words); i++)
        if (strcasecmp(unit_words[i].word, word) == 0)
            return &unit_words[i];
    return NULL;
}

static bool is_byte_unit(enum figure_fixed fixed) {
    return fixed >= FIGURE_B && fixed <= FIGURE_GIB;
}

/* Where a person asks for bytes, percentages become the sizes behind them. */
static void use_sizes(struct kind *kind) {
    for (size_t i = 0; i < kind->series_count; i++)
        for (size_t k = 0; k < COUNT(sizes); k++)
            if (is_metric(kind->series[i].metric, sizes[k].percent)) {
                char metric[WORD_LEN];
                rename_metric(kind->series[i].metric, sizes[k].bytes, metric);
                strcpy(kind->series[i].metric, metric);
                break;
            }
}

static const char *unit_of(const struct kind_series *series) {
    return metric_find(series->metric)->unit;
}

static bool is_network(const struct kind_series *series) {
    return is_metric(series->metric, "net.rx") || is_metric(series->metric, "net.tx");
}

/* All series must be of one unit; a network speaks in bits unless bytes are wanted. */
static int settle_unit(struct kind *kind, char **ret_why) {
    const struct kind_series *first = &kind->series[0];
    bool all_network = true;

    for (size_t i = 0; i < kind->series_count; i++) {
        const struct kind_series *series = &kind->series[i];
        all_network = all_network && is_network(series);
        if (strcmp(unit_of(series), unit_of(first)) != 0)
            return refuse(ret_why,
                          "%s is measured in %s and %s in %s: they do not fit into one "
                          "chart. Please ask for two.",
                          first->metric, unit_of(first), series->metric, unit_of(series));
    }
    kind->unit = figure_unit_of(unit_of(first));
    if (all_network || (kind->unit == FIGURE_BYTE_RATE && kind->fixed >= FIGURE_BIT))
        kind->unit = is_byte_unit(kind->fixed) ? FIGURE_BYTE_RATE : FIGURE_BIT_RATE;
    return 0;
}

static bool is_percent_word(const char *unit) {
    return strcmp(unit, "%") == 0 || strcasecmp(unit, "percent") == 0;
}

static int choose_unit(struct kind *kind, const char *unit, char **ret_why) {
    const struct unit_word *word = find_unit(unit);
    bool percent = is_percent_word(unit);

    if (!word && !percent)
        return refuse(ret_why,
                      "There is no unit \"%s\". Allowed are b, kib, mib, gib for sizes, "
                      "and bit, kbit, mbit, gbit or b, kib, mib, gib for the network.",
                      unit);
    kind->fixed = word ? word->fixed : FIGURE_AUTO;
    if (is_byte_unit(kind->fixed))
        use_sizes(kind);
    int r = settle_unit(kind, ret_why);
    if (r != 0)
        return r;
    bool fits =
        percent ? kind->unit == FIGURE_PERCENT : figure_fits(kind->unit, kind->fixed);
    if (!fits)
        return refuse(ret_why, "%s is measured in %s, which \"%s\" does not fit.",
                      kind->series[0].metric, unit_of(&kind->series[0]), unit);
    return 0;
}

static bool needs_unit(const struct kind *kind) {
    return kind->unit == FIGURE_BYTES || kind->unit == FIGURE_BYTE_RATE ||
           kind->unit == FIGURE_BIT_RATE;
}

static int choose_range(struct kind *kind, double top, char **ret_why) {
    bool from_zero = figure_is_from_zero(kind->unit);

    kind->y_bottom = from_zero ? 0 : NAN;
    kind->y_top = kind->unit == FIGURE_PERCENT ? 100 : NAN;
    if (isnan(top))
        return 0;
    if (!(top > 0) || top > 1e15)
        return refuse(ret_why, "The top of the axis must be a number above zero.");
    if (kind->fixed == FIGURE_AUTO && needs_unit(kind))
        return refuse(ret_why, "%g of what? Please add a unit: %s.", top,
                      kind->unit == FIGURE_BIT_RATE ? "bit, kbit, mbit or gbit"
                                                    : "b, kib, mib or gib");
    kind->y_bottom = 0;
    kind->y_top = top * figure_scale(kind->unit, kind->fixed, top).size;
    return 0;
}

/* The kind's own title if this is a kind, else the labels. */
static void make_title(struct kind *kind, const char *names) {
    char word[WORD_LEN];
    struct buf title = { 0 };
    const char *rest = names;

    if (take_word(&rest, ";, \t", word))
        lower(word);
    const struct standard *standard = find_standard(metric_resolve(word));
    bool alone = !take_word(&rest, ";, \t", word);
    for (size_t i = 0; i < kind->series_count; i++)
        buf_printf(&title, "%s%s", i > 0 ? ", " : "", kind->series[i].label);
    strncpy(kind->title, standard && alone ? standard->title : buf_text(&title),
            KIND_TITLE_LEN - 1);
    buf_done(&title);
}

int kind_choose(const char *names,
                const char *unit,
                double top,
                struct kind *ret_kind,
                char **ret_why) {
    struct kind kind = { 0 };

    if (strlen(names) > WORDS_MAX)
        return refuse(ret_why, "That is too long.");
    int r = add_names(&kind, names, ret_why);
    if (r == 0)
        r = unit && *unit ? choose_unit(&kind, unit, ret_why)
                          : settle_unit(&kind, ret_why);
    if (r == 0)
        r = choose_range(&kind, top, ret_why);
    if (r != 0)
        return r;
    for (size_t i = 0; i < kind.series_count; i++)
        label_series(&kind.series[i]);
    make_title(&kind, names);
    *ret_kind = kind;
    return 0;
}

/* "1d", "90m", "1d12h" in milliseconds; -1 when this is no length of time. */
static int64_t span_of(const char *word) {
    static const char letters[] = "smhdw";
    static const int64_t lengths[] = { 1000, 60000, 3600000, 86400000, 604800000 };
    int64_t sum = 0;

    while (*word) {
        int64_t number = 0;
        size_t digits = strspn(word, "0123456789");
        if (digits == 0 || digits > 9)
            return -1;
        for (size_t i = 0; i < digits; i++)
            number = number * 10 + (word[i] - '0');
        char letter = (char)tolower((unsigned char)word[digits]);
        const char *found = letter ? strchr(letters, letter) : NULL;
        if (!found)
            return -1;
        sum += number * lengths[found - letters];
        if (sum > SPAN_DAYS_MAX * DAY_MS)
            sum = SPAN_DAYS_MAX * DAY_MS + 1;
        word += digits + 1;
    }
    return sum;
}

/* "80" or "80gib": the unit is what follows the number. */
static bool split_number(const char *word, double *ret_number, const char **ret_unit) {
    char *end;

    /* Neither "nan" nor "0x10", which strtod() would take. */
    if (strspn(word, "0123456789.") == 0 || word[1] == 'x' || word[1] == 'X')
        return false;
    *ret_number = strtod(word, &end);
    *ret_unit = end;
    return end != word;
}

/* What stands before the first length of time; the lengths are summed. */
static int take_spans(const char **at,
                      struct buf *names,
                      int64_t *ret_span_ms,
                      char **ret_why) {
    char word[WORD_LEN];
    int64_t sum = 0;
    bool any = false;

    for (const char *rest = *at; take_word(&rest, " \t", word); *at = rest) {
        int64_t span = span_of(word);
        if (span < 0 && any)
            break;
        if (span < 0)
            buf_printf(names, "%s ", word);
        any = any || span >= 0;
        sum += span > 0 ? span : 0;
    }
    if (!any)
        return refuse(ret_why, "How far back? For example 10m, 24h or 1d 12h.");
    if (sum <= 0 || sum > SPAN_DAYS_MAX * DAY_MS)
        return refuse(ret_why, "The period must be between a second and ten years.");
    *ret_span_ms = sum;
    return 0;
}

/* Perhaps a number, perhaps a unit, and nothing else; an old habit is a ';' at the end.
 */
static int take_range(const char *at, double *ret_top, char *ret_unit, char **ret_why) {
    char word[WORD_LEN];
    const char *unit;

    *ret_top = NAN;
    ret_unit[0] = '\0';
    bool more = take_word(&at, " \t;", word);
    if (more && split_number(word, ret_top, &unit)) {
        strcpy(ret_unit, unit);
        more = !*unit && take_word(&at, " \t;", word);
    }
    if (more)
        strcpy(ret_unit, word);
    if (take_word(&at, " \t;", word))
        return refuse(
            ret_why,
            "\"%s\" is one word too many. After the period may follow the top of "
            "the axis and a unit, as in: mem 24h 16 gib",
            word);
    return 0;
}

int kind_parse_plot(const char *words,
                    struct kind *ret_kind,
                    int64_t *ret_span_ms,
                    char **ret_why) {
    char unit[WORD_LEN];
    struct buf names = { 0 };
    double top = NAN;
    int64_t span = 0;

    if (strlen(words) > WORDS_MAX)
        return refuse(ret_why, "That is too long.");
    int r = take_spans(&words, &names, &span, ret_why);
    if (r == 0)
        r = take_range(words, &top, unit, ret_why);
    if (r == 0)
        r = kind_choose(buf_text(&names), unit, top, ret_kind, ret_why);
    if (r == 0)
        *ret_span_ms = span;
    buf_done(&names);
    return r;
}
