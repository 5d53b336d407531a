#include "draw/kind.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

static int choose(const char *names, const char *unit, struct kind *kind, char **why) {
    *why = NULL;
    return kind_choose(names, unit, NAN, kind, why);
}

static void every_kind_can_be_chosen(void) {
    struct kind kind;
    char *why;

    for (size_t i = 0; kind_name(i); i++) {
        CHECK_INT(choose(kind_name(i), NULL, &kind, &why), 0);
        CHECK(kind.series_count > 0);
        CHECK(kind.title[0]);
    }
}

static void older_names_mean_the_same(void) {
    struct kind kind;
    char *why;

    CHECK_INT(choose("RAM", NULL, &kind, &why), 0);
    CHECK_TEXT(kind.series[0].metric, "mem");
    CHECK_TEXT(kind.title, "Memory");
    CHECK(kind.y_bottom == 0 && kind.y_top == 100);
    CHECK_INT(choose("net_up", NULL, &kind, &why), 0);
    CHECK_TEXT(kind.series[0].metric, "net.tx");
}

static void the_network_goes_both_ways_in_bits(void) {
    struct kind kind;
    char *why;

    CHECK_INT(choose("net", NULL, &kind, &why), 0);
    CHECK_INT(kind.series_count, 2);
    CHECK_TEXT(kind.series[0].metric, "net.rx");
    CHECK_TEXT(kind.series[0].label, "received");
    CHECK_INT(kind.unit, FIGURE_BIT_RATE);
    CHECK(isnan(kind.y_top));
    CHECK_INT(choose("net", "MiB", &kind, &why), 0);
    CHECK_INT(kind.unit, FIGURE_BYTE_RATE);
    CHECK_INT(kind.fixed, FIGURE_MIB);
}

static void all_has_four_percentages(void) {
    struct kind kind;
    char *why;

    CHECK_INT(choose("all", NULL, &kind, &why), 0);
    CHECK_INT(kind.series_count, 4);
    CHECK_INT(kind.unit, FIGURE_PERCENT);
    CHECK(kind.y_top == 100);
}

static void a_name_twice_is_one_series(void) {
    struct kind kind;
    char *why;

    CHECK_INT(choose("cpu;all,cpu", NULL, &kind, &why), 0);
    CHECK_INT(kind.series_count, 4);
}

static void bytes_turn_percentages_into_sizes(void) {
    struct kind kind;
    char *why;

    CHECK_INT(choose("ram;vram", "gb", &kind, &why), 0);
    CHECK_TEXT(kind.series[0].metric, "mem.used");
    CHECK_TEXT(kind.series[1].metric, "vram.used");
    CHECK_INT(kind.unit, FIGURE_BYTES);
    CHECK_INT(kind.fixed, FIGURE_GIB);
    CHECK_INT(choose("disk:/Home", "gib", &kind, &why), 0);
    CHECK_TEXT(kind.series[0].metric, "disk.used:/Home");
}

static void wildcards_stay_and_are_named_without(void) {
    struct kind kind;
    char *why;

    CHECK_INT(choose("disk:*", NULL, &kind, &why), 0);
    CHECK_TEXT(kind.series[0].metric, "disk:*");
    CHECK_TEXT(kind.series[0].label, "Disk");
    CHECK_INT(choose("temp:*", NULL, &kind, &why), 0);
    CHECK_TEXT(kind.series[0].label, "temp");
    CHECK_INT(choose("disk:/srv", NULL, &kind, &why), 0);
    CHECK_TEXT(kind.series[0].label, "disk:/srv");
}

/* Each refusal says what is wrong with what. */
static void what_makes_no_sense_is_refused_with_a_reason(void) {
    static const struct {
        const char *names;
        const char *unit;
        const char *word;
    } rows[] = {
        { "cpuu", NULL, "\"cpuu\"" },
        { "cpuu", NULL, "cpu, mem, net, disk, gpu, vram, temp, all" },
        { "temp.room", NULL, "temp.cpu" },
        { "", NULL, "Which metric" },
        { " ; ", NULL, "Which metric" },
        { "cpu;net", NULL, "do not fit" },
        { "cpu;temp", NULL, "do not fit" },
        { "mem;mem.used", NULL, "do not fit" },
        { "cpu", "furlong", "\"furlong\"" },
        { "cpu", "furlong", "mbit" },
        { "cpu", "gib", "does not fit" },
        { "cpu;mem", "gib", "do not fit" },
        { "mem", "mbit", "does not fit" },
        { "temp", "kib", "does not fit" },
        { "net", "%", "does not fit" },
        { "cpu:", NULL, NULL },
    };
    struct kind kind = { .series_count = 99 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *why = NULL;
        int r = choose(rows[i].names, rows[i].unit, &kind, &why);
        if (!rows[i].word)
            continue;
        CHECK_INT(r, KIND_E_REFUSED);
        CHECK(strstr(why, rows[i].word));
        CHECK_INT(kind.series_count, 99);
        free(why);
    }
}

static void more_than_twelve_are_refused(void) {
    struct kind kind;
    char *why;

    CHECK_INT(choose("cpu:0;cpu:1;cpu:2;cpu:3;cpu:4;cpu:5;cpu:6;cpu:7;cpu:8;cpu:9;cpu:10;"
                     "cpu:11",
                     NULL, &kind, &why),
              0);
    CHECK_INT(choose("cpu:0;cpu:1;cpu:2;cpu:3;cpu:4;cpu:5;cpu:6;cpu:7;cpu:8;cpu:9;cpu:10;"
                     "cpu:11;cpu:12",
                     NULL, &kind, &why),
              KIND_E_REFUSED);
    CHECK(strstr(why, "12"));
    free(why);
}

static void plot_lines_are_read(void) {
    static const struct {
        const char *words;
        int64_t span_s;
        size_t series_count;
        enum figure_unit unit;
        enum figure_fixed fixed;
        double top; /* NAN: automatic */
    } rows[] = {
        { "cpu 1h", 3600, 1, FIGURE_PERCENT, FIGURE_AUTO, 100 },
        { "cpu;ram 1D 12H", 129600, 2, FIGURE_PERCENT, FIGURE_AUTO, 100 },
        { "cpu 1d12h30m", 131400, 1, FIGURE_PERCENT, FIGURE_AUTO, 100 },
        { "cpu; mem 90s 50", 90, 2, FIGURE_PERCENT, FIGURE_AUTO, 50 },
        { "cpu 2w %", 1209600, 1, FIGURE_PERCENT, FIGURE_AUTO, 100 },
        { "ram 1h 16 GiB;", 3600, 1, FIGURE_BYTES, FIGURE_GIB, 17179869184.0 },
        { "ram 1h gib", 3600, 1, FIGURE_BYTES, FIGURE_GIB, NAN },
        { "vram 1h 512mb", 3600, 1, FIGURE_BYTES, FIGURE_MIB, 536870912.0 },
        { "net 10m 100 mbit", 600, 2, FIGURE_BIT_RATE, FIGURE_MBIT, 12500000 },
        { "net_up;net_down 10m kib", 600, 2, FIGURE_BYTE_RATE, FIGURE_KIB, NAN },
        { "temp 1h 90.5", 3600, 2, FIGURE_CELSIUS, FIGURE_AUTO, 90.5 },
        { "disk.await 1h 20", 3600, 1, FIGURE_MS, FIGURE_AUTO, 20 },
        { "load1;load5 1h 4", 3600, 2, FIGURE_NUMBER, FIGURE_AUTO, 4 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kind kind;
        int64_t span_ms = 0;
        char *why = NULL;
        int r = kind_parse_plot(rows[i].words, &kind, &span_ms, &why);
        if (r != 0)
            fail_msg("%s: %s", rows[i].words, why);
        CHECK(span_ms == rows[i].span_s * 1000);
        CHECK_INT(kind.series_count, rows[i].series_count);
        CHECK_INT(kind.unit, rows[i].unit);
        CHECK_INT(kind.fixed, rows[i].fixed);
        CHECK(isnan(rows[i].top) ? isnan(kind.y_top) : kind.y_top == rows[i].top);
    }
}

static void plot_lines_that_are_wrong_are_refused(void) {
    static const struct {
        const char *words;
        const char *word;
    } rows[] = {
        { "", "How far back" },
        { "cpu", "How far back" },
        { "1h", "Which metric" },
        { "cpu 0s", "period" },
        { "cpu 999999999w", "ten years" },
        { "cpu 1h 100 % extra", "too many" },
        { "cpu 1h extra words", "too many" },
        { "cpu 1h 100 200", "\"200\"" },
        { "cpu 1h 1y", "\"y\"" },
        { "cpu 1h nan", "\"nan\"" },
        { "cpu 1h 0x10", "\"0x10\"" },
        { "cpu 1h -5", "\"-5\"" },
        { "cpu 1h 0", "above zero" },
        { "net 1h 100", "mbit" },
        { "mem.used 1h 100", "gib" },
        { "cpu;bogus 1h", "bogus" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kind kind;
        int64_t span_ms = -7;
        char *why = NULL;
        CHECK_INT(kind_parse_plot(rows[i].words, &kind, &span_ms, &why), KIND_E_REFUSED);
        if (!strstr(why, rows[i].word))
            fail_msg("%s: %s", rows[i].words, why);
        CHECK(span_ms == -7);
        free(why);
    }
}

/* Cut off, it would be another disk. */
static void objects_as_long_as_a_book_are_refused(void) {
    char words[200] = "disk:/";
    struct kind kind;
    char *why;

    memset(words + 6, 'd', sizeof(words) - 7);
    CHECK_INT(kind_choose(words, NULL, NAN, &kind, &why), KIND_E_REFUSED);
    CHECK(strstr(why, "too long"));
    free(why);
    words[100] = '\0';
    CHECK_INT(kind_choose(words, "gib", NAN, &kind, &why), 0);
    CHECK_INT(strlen(kind.series[0].metric), 105);
}

static void names_as_long_as_a_book_are_refused(void) {
    char words[4000];
    struct kind kind;
    int64_t span_ms;
    char *why;

    for (size_t len = 1; len < sizeof(words); len += 61) {
        memset(words, 'c', len);
        words[len] = '\0';
        CHECK_INT(kind_choose(words, NULL, NAN, &kind, &why), KIND_E_REFUSED);
        free(why);
        CHECK_INT(kind_parse_plot(words, &kind, &span_ms, &why), KIND_E_REFUSED);
        free(why);
    }
}

TESTS(TEST(every_kind_can_be_chosen),
      TEST(older_names_mean_the_same),
      TEST(the_network_goes_both_ways_in_bits),
      TEST(all_has_four_percentages),
      TEST(a_name_twice_is_one_series),
      TEST(bytes_turn_percentages_into_sizes),
      TEST(wildcards_stay_and_are_named_without),
      TEST(what_makes_no_sense_is_refused_with_a_reason),
      TEST(more_than_twelve_are_refused),
      TEST(plot_lines_are_read),
      TEST(plot_lines_that_are_wrong_are_refused),
      TEST(objects_as_long_as_a_book_are_refused),
      TEST(names_as_long_as_a_book_are_refused))
