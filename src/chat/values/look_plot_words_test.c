#include "chat/values/look_plot_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum { WORDS_MAX = 16 };

#define SPAN(days, hours, minutes)                                                       \
    ((((days)*INT64_C(24) + (hours)) * 60 + (minutes)) * 60000)

#define METRICS  LOOK_PLOT_WORDS_E_METRICS
#define MIXED    LOOK_PLOT_WORDS_E_MIXED
#define MANY     LOOK_PLOT_WORDS_E_MANY
#define INTERVAL LOOK_PLOT_WORDS_E_INTERVAL
#define LONG     LOOK_PLOT_WORDS_E_LONG
#define TOP      LOOK_PLOT_WORDS_E_TOP
#define TOP_UNIT LOOK_PLOT_WORDS_E_TOP_UNIT
#define UNIT     LOOK_PLOT_WORDS_E_UNIT
#define FIT      LOOK_PLOT_WORDS_E_FIT
#define EXTRA    LOOK_PLOT_WORDS_E_EXTRA

/* top 0: automatic. */
static const struct line {
    const char *typed;
    const char *nodes;
    const char *names;
    int64_t span_ms;
    double top;
    const char *unit;
    int result;
    const char *word; /* of a refusal, or what was left out */
} lines[] = {
    /* the older grammar */
    { "cpu 10m", NULL, "cpu", SPAN(0, 0, 10), 0, NULL, 0, NULL },
    { "ram 1h", NULL, "ram", SPAN(0, 1, 0), 0, NULL, 0, NULL },
    { "gpu 24h", NULL, "gpu", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    { "vram 7d", NULL, "vram", SPAN(7, 0, 0), 0, NULL, 0, NULL },
    { "net 30d", NULL, "net", SPAN(30, 0, 0), 0, NULL, 0, NULL },
    { "net_up 1h", NULL, "net_up", SPAN(0, 1, 0), 0, NULL, 0, NULL },
    { "net_down 1h", NULL, "net_down", SPAN(0, 1, 0), 0, NULL, 0, NULL },
    { "net_up;net_down 1h", NULL, "net_up;net_down", SPAN(0, 1, 0), 0, NULL, 0, NULL },
    { "cpu;ram 1d 12h", NULL, "cpu;ram", SPAN(1, 12, 0), 0, NULL, 0, NULL },
    { "cpu;ram;gpu;vram 1d", NULL, "cpu;ram;gpu;vram", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    { "cpu 1d 2h 3m", NULL, "cpu", SPAN(1, 2, 3), 0, NULL, 0, NULL },
    { "cpu 1D 12H", NULL, "cpu", SPAN(1, 12, 0), 0, NULL, 0, NULL },
    { "CPU;RAM 10M", NULL, "CPU;RAM", SPAN(0, 0, 10), 0, NULL, 0, NULL },
    { "cpu 600s", NULL, "cpu", SPAN(0, 0, 10), 0, NULL, 0, NULL },
    { "cpu 30s 30s", NULL, "cpu", SPAN(0, 0, 1), 0, NULL, 0, NULL },
    { "cpu 1d 80", NULL, "cpu", SPAN(1, 0, 0), 80, NULL, 0, NULL },
    { "cpu 1d 80.5", NULL, "cpu", SPAN(1, 0, 0), 80.5, NULL, 0, NULL },
    { "cpu 1d 80,5", NULL, "cpu", SPAN(1, 0, 0), 80.5, NULL, 0, NULL },
    { "ram 1d gib", NULL, "ram", SPAN(1, 0, 0), 0, "gib", 0, NULL },
    { "ram 1d gib;", NULL, "ram", SPAN(1, 0, 0), 0, "gib", 0, NULL },
    { "ram 1d 8 gib", NULL, "ram", SPAN(1, 0, 0), 8, "gib", 0, NULL },
    { "ram 1d 8 gib;", NULL, "ram", SPAN(1, 0, 0), 8, "gib", 0, NULL },
    { "ram 1d 8gib", NULL, "ram", SPAN(1, 0, 0), 8, "gib", 0, NULL },
    { "ram 1d 8 GB", NULL, "ram", SPAN(1, 0, 0), 8, "GB", 0, NULL },
    { "ram 1d 8000 mb", NULL, "ram", SPAN(1, 0, 0), 8000, "mb", 0, NULL },
    { "ram 1d 8000 MiB", NULL, "ram", SPAN(1, 0, 0), 8000, "MiB", 0, NULL },
    { "ram 1d kb", NULL, "ram", SPAN(1, 0, 0), 0, "kb", 0, NULL },
    { "ram 1d kib", NULL, "ram", SPAN(1, 0, 0), 0, "kib", 0, NULL },
    { "ram 1d b", NULL, "ram", SPAN(1, 0, 0), 0, "b", 0, NULL },
    { "vram 1d mib", NULL, "vram", SPAN(1, 0, 0), 0, "mib", 0, NULL },
    { "ram;vram 1d gib", NULL, "ram;vram", SPAN(1, 0, 0), 0, "gib", 0, NULL },
    { "net 1d mbit", NULL, "net", SPAN(1, 0, 0), 0, "mbit", 0, NULL },
    { "net 1d 100 mbit", NULL, "net", SPAN(1, 0, 0), 100, "mbit", 0, NULL },
    { "net 1d 100mbit", NULL, "net", SPAN(1, 0, 0), 100, "mbit", 0, NULL },
    { "net 1d 1 gbit;", NULL, "net", SPAN(1, 0, 0), 1, "gbit", 0, NULL },
    { "net_up 1d bit", NULL, "net_up", SPAN(1, 0, 0), 0, "bit", 0, NULL },
    { "net_down 1d kbit", NULL, "net_down", SPAN(1, 0, 0), 0, "kbit", 0, NULL },
    { "cpu 1d %", NULL, "cpu", SPAN(1, 0, 0), 0, "%", 0, NULL },
    { "cpu 1d 50%", NULL, "cpu", SPAN(1, 0, 0), 50, "%", 0, NULL },
    { "cpu 1d percent", NULL, "cpu", SPAN(1, 0, 0), 0, "percent", 0, NULL },
    { "cpu;foo 1d", NULL, "cpu", SPAN(1, 0, 0), 0, NULL, 0, "foo" },
    { "foo;cpu;bar 1d", NULL, "cpu", SPAN(1, 0, 0), 0, NULL, 0, "foo, bar" },
    { ";cpu; 1d", NULL, "cpu", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    /* the friendlier one */
    { "cpu,ram 24h", NULL, "cpu;ram", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    { "cpu,ram;gpu 24h", NULL, "cpu;ram;gpu", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    { "nas,pi cpu 7d", "nas,pi", "cpu", SPAN(7, 0, 0), 0, NULL, 0, NULL },
    { "nas cpu 7d", "nas", "cpu", SPAN(7, 0, 0), 0, NULL, 0, NULL },
    { "@home cpu,ram 7d", "@home", "cpu;ram", SPAN(7, 0, 0), 0, NULL, 0, NULL },
    { "pi* temp 7d 80", "pi*", "temp", SPAN(7, 0, 0), 80, NULL, 0, NULL },
    { "nas,pi ram 1d12h 8 gib", "nas,pi", "ram", SPAN(1, 12, 0), 8, "gib", 0, NULL },
    { "cpu 1d12h", NULL, "cpu", SPAN(1, 12, 0), 0, NULL, 0, NULL },
    { "cpu 90min", NULL, "cpu", SPAN(0, 1, 30), 0, NULL, 0, NULL },
    { "cpu 2w", NULL, "cpu", SPAN(14, 0, 0), 0, NULL, 0, NULL },
    { "cpu 7\u0434", NULL, "cpu", SPAN(7, 0, 0), 0, NULL, 0, NULL },
    { "cpu 24\u0447", NULL, "cpu", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    { "cpu 10\u043c\u0438\u043d", NULL, "cpu", SPAN(0, 0, 10), 0, NULL, 0, NULL },
    { "load1 1h", NULL, "load1", SPAN(0, 1, 0), 0, NULL, 0, NULL },
    { "disk.used:/home 1h", NULL, "disk.used:/home", SPAN(0, 1, 0), 0, NULL, 0, NULL },
    { "disk:/Data 1h", NULL, "disk:/Data", SPAN(0, 1, 0), 0, NULL, 0, NULL },
    { "net.rx:eth0,net.tx:eth0 1h", NULL, "net.rx:eth0;net.tx:eth0", SPAN(0, 1, 0), 0,
      NULL, 0, NULL },
    { "all 24h", NULL, "all", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    { "mem 24h", NULL, "mem", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    { "temp 24h", NULL, "temp", SPAN(1, 0, 0), 0, NULL, 0, NULL },
    /* what is refused */
    { "", NULL, NULL, 0, 0, NULL, METRICS, NULL },
    { "foo 24h", NULL, NULL, 0, 0, NULL, METRICS, "foo" },
    { "foo", NULL, NULL, 0, 0, NULL, METRICS, "foo" },
    { "24h", NULL, NULL, 0, 0, NULL, METRICS, "24h" },
    { "24h cpu", NULL, NULL, 0, 0, NULL, METRICS, "24h" },
    { ";;; 24h", NULL, NULL, 0, 0, NULL, METRICS, ";;;" },
    { "nas foo 24h", NULL, NULL, 0, 0, NULL, METRICS, "nas" },
    { "cpu:0x 24h -", NULL, NULL, 0, 0, NULL, TOP, "-" },
    { "cpu", NULL, NULL, 0, 0, NULL, INTERVAL, NULL },
    { "cpu soon", NULL, NULL, 0, 0, NULL, INTERVAL, "soon" },
    { "cpu 80", NULL, NULL, 0, 0, NULL, INTERVAL, "80" },
    { "cpu 10", NULL, NULL, 0, 0, NULL, INTERVAL, "10" },
    { "cpu 10x", NULL, NULL, 0, 0, NULL, INTERVAL, "10x" },
    { "cpu h", NULL, NULL, 0, 0, NULL, INTERVAL, "h" },
    { "nas cpu", NULL, NULL, 0, 0, NULL, INTERVAL, NULL },
    { "cpu 0h", NULL, NULL, 0, 0, NULL, LONG, "0h" },
    { "cpu 9999d", NULL, NULL, 0, 0, NULL, LONG, "9999d" },
    { "cpu 3000d 3000d", NULL, NULL, 0, 0, NULL, LONG, "3000d" },
    { "cpu 999999999w", NULL, NULL, 0, 0, NULL, LONG, "999999999w" },
    { "cpu 9999999999h", NULL, NULL, 0, 0, NULL, INTERVAL, "9999999999h" },
    { "cpu;net 1d", NULL, NULL, 0, 0, NULL, MIXED, NULL },
    { "cpu;temp.cpu 1d", NULL, NULL, 0, 0, NULL, MIXED, NULL },
    { "ram;net 1d gib", NULL, NULL, 0, 0, NULL, MIXED, NULL },
    { "load1,load5,load15,proc.count,proc.running,proc.blocked,proc.zombies,tcp.sockets,"
      "tcp.established,tcp.listen,tcp.syn_sent,tcp.syn_recv,tcp.fin_wait 1d",
      NULL, NULL, 0, 0, NULL, MANY, NULL },
    { "cpu 1d 0", NULL, NULL, 0, 0, NULL, TOP, NULL },
    { "cpu 1d -5", NULL, NULL, 0, 0, NULL, TOP, "-5" },
    { "ram 1d 0 gib", NULL, NULL, 0, 0, NULL, TOP, NULL },
    { "net 1d 100", NULL, NULL, 0, 0, NULL, TOP_UNIT, NULL },
    { "mem.used 1d 8", NULL, NULL, 0, 0, NULL, TOP_UNIT, NULL },
    { "ram 1d 8 foo", NULL, NULL, 0, 0, NULL, UNIT, "foo" },
    { "ram 1d foo", NULL, NULL, 0, 0, NULL, UNIT, "foo" },
    { "cpu 1d gib", NULL, NULL, 0, 0, NULL, FIT, "gib" },
    { "gpu 1d 80 mbit", NULL, NULL, 0, 0, NULL, FIT, "mbit" },
    { "ram 1d mbit", NULL, NULL, 0, 0, NULL, FIT, "mbit" },
    { "net 1d %", NULL, NULL, 0, 0, NULL, FIT, "%" },
    { "ram 1d 8 gib more", NULL, NULL, 0, 0, NULL, EXTRA, "more" },
    { "ram 1d gib 8", NULL, NULL, 0, 0, NULL, EXTRA, "8" },
    { "ram 1d 8gib gib", NULL, NULL, 0, 0, NULL, EXTRA, "gib" },
    { "cpu 1d 80 % 90 %", NULL, NULL, 0, 0, NULL, EXTRA, "90" },
};

_Static_assert(sizeof(lines) / sizeof(lines[0]) >= 80, "a table of at least 80 lines");

/* Cuts at spaces. */
static size_t cut(char *line, const char **ret_words) {
    size_t count = 0;
    char *rest = NULL;

    for (char *word = strtok_r(line, " ", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        ret_words[count++] = word;
    return count;
}

static bool is_same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_as_wanted(const struct line *line, const struct look_plot_words *plot) {
    if (line->result != 0)
        return is_same(plot->word, line->word);
    return is_same(plot->nodes, line->nodes) && is_same(plot->names, line->names) &&
           is_same(plot->unit, line->unit) && is_same(plot->left_out, line->word) &&
           plot->span_ms == line->span_ms && plot->kind.series_count > 0 &&
           (line->top == 0 ? isnan(plot->top) != 0 : plot->top == line->top);
}

static void lines_are_read_or_refused_for_the_right_reason(void) {
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char *typed = strdup(lines[i].typed);
        const char *words[WORDS_MAX];
        struct look_plot_words plot;
        size_t count = cut(typed, words);
        int result = look_plot_words_read(&plot, words, count, false);

        if (result != lines[i].result || !is_as_wanted(&lines[i], &plot))
            printf("# \"%s\": %d, \"%s\", names %s, unit %s\n", lines[i].typed, result,
                   plot.word ? plot.word : "-", plot.names ? plot.names : "-",
                   plot.unit ? plot.unit : "-");
        CHECK_INT(result, lines[i].result);
        CHECK(is_as_wanted(&lines[i], &plot));
        look_plot_words_done(&plot);
        free(typed);
    }
}

static void an_interval_is_not_needed_when_a_beginning_was_said(void) {
    const char *words[] = { "cpu", "80" };
    struct look_plot_words plot;

    CHECK_INT(look_plot_words_read(&plot, words, 2, true), 0);
    CHECK(plot.span_ms == 0 && plot.top == 80);
    look_plot_words_done(&plot);
}

static void names_that_never_end_are_refused(void) {
    char *huge = malloc(100001);
    struct look_plot_words plot;

    CHECK(huge != NULL);
    memset(huge, 'x', 100000);
    huge[100000] = '\0';
    const char *words[] = { huge, "1d", NULL };
    CHECK_INT(look_plot_words_read(&plot, words, 2, false), METRICS);
    look_plot_words_done(&plot);
    for (size_t i = 3; i < 100000; i += 4)
        memcpy(huge + i - 3, "cpu,", 4);
    CHECK(look_plot_words_read(&plot, words, 2, false) >= 0);
    look_plot_words_done(&plot);
    free(huge);
}

TESTS(TEST(lines_are_read_or_refused_for_the_right_reason),
      TEST(an_interval_is_not_needed_when_a_beginning_was_said),
      TEST(names_that_never_end_are_refused))
