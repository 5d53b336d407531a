#include "alerts/rules/condition.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static char *print(const char *text,
                   void (*how)(const struct condition *, struct buf *)) {
    char *why = NULL;
    struct condition *condition = condition_parse(text, &why);
    struct buf out = { 0 };

    if (!condition)
        return why;
    how(condition, &out);
    condition_free(condition);
    return buf_take_text(&out);
}

/* What is typed, and how it is written in its shortest form. */
static const struct {
    const char *text;
    const char *printed;
} good[] = {
    { "cpu > 90", "cpu > 90" },
    { "cpu>90%", "cpu > 90" },
    { "  CPU   >  90", "cpu > 90" },
    { "ram >= 80 %", "mem >= 80" },
    { "disk:* > 90 for 10m clear 87", "disk:* > 90 for 10m clear 87" },
    { "disk:* > 90 clear 87 for 10m", "disk:* > 90 for 10m clear 87" },
    { "disk:/home > 90% for 10 minutes clear 87 %", "disk:/home > 90 for 10m clear 87" },
    { "cpu > 90 FOR 90s", "cpu > 90 for 1m30s" },
    { "cpu > 90 for 1h30m", "cpu > 90 for 1h30m" },
    { "cpu > 90 for 120", "cpu > 90 for 2m" },
    { "mem.available < 1GiB", "mem.available < 1GiB" },
    { "mem.available < 1.5 GiB", "mem.available < 1536MiB" },
    { "mem.available < 1000", "mem.available < 1000" },
    { "mem.available < 2GB", "mem.available < 1953125KiB" },
    { "net.rx:eth0 > 100 Mbit/s for 5m", "net.rx:eth0 > 12500000 for 5m" },
    { "net_down > 8 kbit/s", "net.rx > 1000" },
    { "net.rx:* > 1 MiB/s", "net.rx:* > 1MiB/s" },
    { "temp.cpu > 80 C", "temp.cpu > 80" },
    { "temp.cpu > 80 \xc2\xb0"
      "C or throttle = 1 for 2m",
      "temp.cpu > 80 or throttle = 1 for 2m" },
    { "throttle == 1", "throttle = 1" },
    { "battery < 15 and power.mains != 1", "battery < 15 and power.mains != 1" },
    { "load1 > 4.5", "load1 > 4.5" },
    { "load > .5", "load1 > 0.5" },
    { "cpu > 1e1", "cpu > 10" },
    { "temp:nvme < -5", "temp:nvme < -5" },
    { "\"temp:nvme 0\" > 70", "\"temp:nvme 0\" > 70" },
    { "\"water.level\" < 3", "\"water.level\" < 3" },
    { "\"water.level\" < 3 cm", "\"water.level\" < 3" },
    { "uptime < 10 min", "uptime < 600" },
    { "uptime < 1h", "uptime < 3600" },
    { "disk.await:sda > 0.1 s for 1m", "disk.await:sda > 100 for 1m" },
    { "cpu.freq < 1 GHz", "cpu.freq < 1000000000" },
    { "rate(disk:/) > 1", "rate(disk:/, 5m) > 1" },
    { "rate(disk:/, 1h) > 36 %/h", "rate(disk:/, 1h) > 0.01" },
    { "rate(mem.used, 10m) > 1 MiB/s", "rate(mem.used, 10m) > 1048576" },
    { "rate(net.rx,1m) < -8 bit/s", "rate(net.rx, 1m) < -1" },
    { "rate(temp.cpu, 60) >= 6 C/min for 30s clear 3 C/min",
      "rate(temp.cpu, 1m) >= 0.1 for 30s clear 0.05" },
    { "absent(temp.cpu)", "absent(temp.cpu) for 5m" },
    { "absent(temp.cpu) for 1h", "absent(temp.cpu) for 1h" },
    { "forecast(disk:*, 100) < 3d", "forecast(disk:*, 100) < 3d" },
    { "forecast(disk:/, 95%) < 36 hours for 30m",
      "forecast(disk:/, 95) < 1d12h for 30m" },
    { "forecast(mem.available, 1GiB) < 1h", "forecast(mem.available, 1GiB) < 1h" },
    { "offline", "offline" },
    { "offline for 3m", "offline for 3m" },
    { "Offline for 3 min", "offline for 3m" },
    { "unit(*)", "unit(*)" },
    { "unit(nginx.service) for 2m", "unit(nginx.service) for 2m" },
    { "unit(getty@tty1.service)", "unit(getty@tty1.service)" },
    { "certificate(example.org:443) < 14d", "certificate(example.org:443) < 14d" },
    { "certificate([::1]:443) < 2w", "certificate([::1]:443) < 14d" },
    { "probe(tcp localhost:22)", "probe(tcp localhost:22)" },
    { "probe(http http://localhost/?a=b,c) for 1m",
      "probe(http http://localhost/?a=b,c) for 1m" },
    { "probe(ping 192.0.2.1)", "probe(ping 192.0.2.1)" },
    { "probe(http \"http://a/(b)\")", "probe(http \"http://a/(b)\")" },
    { "cpu > 90 and mem > 90", "cpu > 90 and mem > 90" },
    { "cpu > 90 or mem > 90 and swap > 1", "cpu > 90 or mem > 90 and swap > 1" },
    { "(cpu > 90 or mem > 90) and swap > 1", "(cpu > 90 or mem > 90) and swap > 1" },
    { "((cpu > 90))", "cpu > 90" },
    { "(cpu > 1 and mem > 1) and swap > 1", "(cpu > 1 and mem > 1) and swap > 1" },
    { "2 of (cpu > 90, mem > 90, swap > 90)", "2 of (cpu > 90, mem > 90, swap > 90)" },
    { "2of(cpu > 90,mem > 90)", "2 of (cpu > 90, mem > 90)" },
    { "1 of (cpu > 1 and mem > 1, offline) and swap > 1",
      "1 of (cpu > 1 and mem > 1, offline) and swap > 1" },
    { "disk:* > 90 and disk.inodes:* > 80", "disk:* > 90 and disk.inodes:* > 80" },
    { "net.rx:eth* > 1", "net.rx:eth* > 1" },
};

static void what_is_good_is_printed_in_its_shortest_form(void) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        auto_(mem_freep) char *printed = print(good[i].text, condition_print);
        CHECK_TEXT(printed, good[i].printed);
    }
}

static void what_is_printed_is_read_as_the_same(void) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        auto_(mem_freep) char *again = print(good[i].printed, condition_print);
        CHECK_TEXT(again, good[i].printed);
    }
}

static const struct {
    const char *text;
    const char *why;
} bad[] = {
    { "", "at 1: the name of a metric is missing" },
    { "   ", "at 4: the name of a metric is missing" },
    { "cpu", "at 4: one of > >= < <= = != is missing" },
    { "cpu 90", "at 5: one of > >= < <= = != is missing" },
    { "cpu >", "at 6: a number is missing" },
    { "cpu > ninety", "at 7: a number is missing" },
    { "cpu > 0x10", "at 7: a number is missing" },
    { "cpu > nan", "at 7: a number is missing" },
    { "cpu > inf", "at 7: a number is missing" },
    { "cpu > 1e300", "at 7: the number is too large" },
    { "cpu > 90 GiB", "at 10: the metric is not measured in \"GiB\"" },
    { "mem.available < 5 %", "at 19: the metric is not measured in \"%\"" },
    { "cpu > 90 for", "at 13: a duration is missing, such as 10m" },
    { "cpu > 90 for ever", "at 14: a duration is missing, such as 10m" },
    { "cpu > 90 for 10y", "at 14: the duration is too long" },
    { "cpu > 90 for 99999999999999 weeks", "at 14: a duration is missing, such as 10m" },
    { "cpu > 90 for 1m for 2m", "at 17: not understood: \"for 2m\"" },
    { "cpu > 90 clear 91", "at 16: it cannot clear at where it begins, or beyond" },
    { "cpu < 10 clear 9", "at 16: it cannot clear at where it begins, or beyond" },
    { "throttle = 1 clear 0", "at 20: it cannot clear at where it begins, or beyond" },
    { "offline clear 3", "at 15: only a level and a rate may clear at a number" },
    { "dsk:* > 90", "at 1: no metric is named \"dsk:*\"" },
    { "cpu.user:1 > 90", "at 1: has no parts: \"cpu.user:1\"" },
    { "d* > 90", "at 1: a pattern may stand only behind a colon: \"d*\"" },
    { "cpu > 90 and", "at 13: the name of a metric is missing" },
    { "cpu > 90 mem > 90", "at 10: the metric is not measured in \"mem\"" },
    { "cpu > 90 % mem > 90", "at 12: not understood: \"mem > 90\"" },
    { "(cpu > 90", "at 10: ')' is missing" },
    { "cpu > 90)", "at 9: not understood: \")\"" },
    { "4 of (cpu > 1, mem > 1)", "at 1: there are not so many parts" },
    { "0 of (cpu > 1, mem > 1)", "at 1: there are not so many parts" },
    { "2 of cpu > 1", "at 6: '(' is missing" },
    { "2 of (cpu > 1; mem > 1)", "at 14: the metric is not measured in \";\"" },
    { "rate(cpu) > 1 GiB", "at 15: the metric is not measured in \"GiB\"" },
    { "rate(cpu, 0s) > 1", "at 11: less than a second" },
    { "rate(cpu, 2d) > 1", "at 11: the duration is too long" },
    { "rate(cpu > 1", "at 10: ')' is missing" },
    { "absent(disk:*)", "at 8: which one? Of a pattern none is missed" },
    { "forecast(disk:/) < 3d", "at 16: ',' is missing" },
    { "forecast(disk:/, 100) > 3d", "at 23: \"< DURATION\" is missing" },
    { "forecast(disk:/, 100) < soon", "at 25: a duration is missing, such as 10m" },
    { "unit()", "at 6: a target is missing" },
    { "unit(a b)", "at 8: ')' is missing" },
    { "certificate(example.org) < 14d",
      "at 13: HOST:PORT is wanted, not \"example.org\"" },
    { "certificate(a:0) < 14d", "at 13: HOST:PORT is wanted, not \"a:0\"" },
    { "certificate(a:99999) < 14d", "at 13: HOST:PORT is wanted, not \"a:99999\"" },
    { "certificate(a:443)", "at 19: \"< DURATION\" is missing" },
    { "probe(udp a:53)", "at 7: one of tcp, http and ping is wanted" },
    { "probe(tcp host)", "at 11: HOST:PORT is wanted, not \"host\"" },
    { "probe(ping)", "at 11: a target is missing" },
    { "\"cpu > 90", "at 1: the name of a metric is missing" },
    { "((((((((cpu > 1))))))))", "at 9: too deep" },
};

static void what_is_bad_is_explained_with_the_place(void) {
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        auto_(mem_freep) char *why = print(bad[i].text, condition_print);
        CHECK_TEXT(why, bad[i].why);
    }
}

static void each_prefix_is_read_or_explained(void) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        for (size_t len = 0; len < strlen(good[i].text); len++) {
            auto_(mem_freep) char *text = mem_dup(good[i].text, len);
            auto_(mem_freep) char *printed = print(text, condition_print);
            CHECK(printed[0] != '\0');
        }
}

static void too_much_is_refused(void) {
    struct buf text = { 0 };

    for (int i = 0; i < CONDITION_NODES_MAX; i++)
        buf_printf(&text, "%scpu > %d", i > 0 ? " or " : "", i);
    auto_(mem_freep) char *many = print(buf_text(&text), condition_print);
    CHECK(strstr(many, "too many parts"));
    while (text.len <= CONDITION_TEXT_MAX)
        buf_add_text(&text, "          ");
    auto_(mem_freep) char *longer = print(buf_text(&text), condition_print);
    CHECK_TEXT(longer, "longer than 1000 characters");
    buf_done(&text);
}

static const struct {
    const char *text;
    const char *words;
} explained[] = {
    { "disk:* > 90 for 10m clear 87",
      "any disk is more than 90.0 % for 10 minutes, until 87.0 %" },
    { "mem > 95 for 10m and psi.mem > 10 for 10m",
      "mem is more than 95.0 % for 10 minutes and psi.mem is more than 10.0 % for 10 "
      "minutes" },
    { "2 of (cpu > 90, throttle = 1, load1 > 8)",
      "at least 2 of: cpu is more than 90.0 %; throttle is 1; load1 is more than 8" },
    { "offline for 3m", "the node is offline for 3 minutes" },
    { "unit(*) for 2m", "any systemd unit has failed for 2 minutes" },
    { "unit(ssh*)", "any systemd unit of ssh* has failed" },
    { "unit(nginx.service)", "nginx.service has failed" },
    { "forecast(disk:/home, 100) < 3d",
      "disk:/home will come to 100.0 % in less than 3 days" },
    { "rate(mem.used, 1h) > 1MiB/s",
      "mem.used changes by more than 1.0 MiB a second over 1 hour" },
    { "absent(temp.cpu)", "temp.cpu has no value for 5 minutes" },
    { "certificate(a:443) < 14d", "the certificate of a:443 ends in less than 14 days" },
    { "probe(tcp a:22) for 1m",
      "tcp a:22 does not answer, asked from the node for 1 minute" },
    { "temp.cpu > 80 or (cpu > 1 and swap > 1)",
      "temp.cpu is more than 80 \xc2\xb0"
      "C or (cpu is more than 1.0 % and swap is more "
      "than 1.0 %)" },
};

static void conditions_are_explained_in_words(void) {
    for (size_t i = 0; i < sizeof(explained) / sizeof(explained[0]); i++) {
        auto_(mem_freep) char *words = print(explained[i].text, condition_explain);
        CHECK_TEXT(words, explained[i].words);
    }
}

static const struct {
    double value;
    const char *unit;
    const char *text;
} values[] = {
    { 93.07, "%", "93.1 %" },
    { 1288490188.8, "By", "1.2 GiB" },
    { 512, "By", "512 B" },
    { 12500000, "By/s", "11.9 MiB/s" },
    { 80, "Cel",
      "80 \xc2\xb0"
      "C" },
    { 80.5, "Cel",
      "80.5 \xc2\xb0"
      "C" },
    { 1, "1", "1" },
    { 4.25, "1", "4.25" },
    { -0.001, "1", "0" },
    { 2400000000.0, "Hz", "2.4 GHz" },
    { 172800, "s", "2.0 d" },
    { 12, "ms", "12.0 ms" },
    { 900, "RPM", "900 RPM" },
    { NAN, "%", "unknown" },
};

static void values_are_printed_for_people(void) {
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct buf out = { 0 };
        condition_value(&out, values[i].value, values[i].unit);
        CHECK_TEXT(buf_text(&out), values[i].text);
        buf_done(&out);
    }
}

static void a_condition_says_what_it_is(void) {
    char *why = NULL;
    struct condition *condition =
        condition_parse("2 of (disk:* > 90 for 10m clear 87, offline, cpu < 3)", &why);

    CHECK(condition);
    CHECK_INT(condition->kind, CONDITION_SOME);
    CHECK_INT(condition->some, 2);
    CHECK_INT(condition->part_count, 3);
    CHECK_TEXT(condition->parts[0]->series, "disk:*");
    CHECK_INT(condition->parts[0]->for_ms, 600000);
    CHECK(condition->parts[0]->clear == 87);
    CHECK_INT(condition->parts[1]->kind, CONDITION_OFFLINE);
    CHECK(isnan(condition->parts[2]->clear));
    CHECK(condition_free(condition) == NULL);
    CHECK(condition_free(NULL) == NULL);
}

TESTS(TEST(what_is_good_is_printed_in_its_shortest_form),
      TEST(what_is_printed_is_read_as_the_same),
      TEST(what_is_bad_is_explained_with_the_place),
      TEST(each_prefix_is_read_or_explained),
      TEST(too_much_is_refused),
      TEST(conditions_are_explained_in_words),
      TEST(values_are_printed_for_people),
      TEST(a_condition_says_what_it_is))
