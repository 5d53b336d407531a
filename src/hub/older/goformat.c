#include "hub/older/goformat.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const uint64_t SECOND_NS = UINT64_C(1000000000);

/* "." and digits of part, of which whole make one, without zeros at the end; or "". */
static void print_part(uint64_t part, uint64_t whole, char ret_text[static 16]) {
    char *at = ret_text;

    if (part > 0)
        *at++ = '.';
    for (; part > 0; part = part * 10 % whole)
        *at++ = (char)('0' + part * 10 / whole);
    *at = '\0';
}

static int print_small(uint64_t ns, const char *sign, char *ret_text) {
    static const struct {
        uint64_t ns;
        const char *unit;
    } units[] = { { 1000000, "ms" }, { 1000, "\xc2\xb5s" }, { 1, "ns" } };
    char part[16];

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ns < units[i].ns)
            continue;
        print_part(ns % units[i].ns, units[i].ns, part);
        return snprintf(ret_text, GOFORMAT_DURATION_LEN, "%s%" PRIu64 "%s%s", sign,
                        ns / units[i].ns, part, units[i].unit);
    }
    return snprintf(ret_text, GOFORMAT_DURATION_LEN, "0s");
}

void goformat_duration(int64_t ns, char ret_text[static GOFORMAT_DURATION_LEN]) {
    const char *sign = ns < 0 ? "-" : "";
    uint64_t length = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    uint64_t seconds = length / SECOND_NS;
    uint64_t minutes = seconds / 60;
    char part[16];

    if (length < SECOND_NS) {
        print_small(length, sign, ret_text);
        return;
    }
    print_part(length % SECOND_NS, SECOND_NS, part);
    if (minutes >= 60)
        snprintf(ret_text, GOFORMAT_DURATION_LEN,
                 "%s%" PRIu64 "h%" PRIu64 "m%" PRIu64 "%ss", sign, minutes / 60,
                 minutes % 60, seconds % 60, part);
    else if (minutes > 0)
        snprintf(ret_text, GOFORMAT_DURATION_LEN, "%s%" PRIu64 "m%" PRIu64 "%ss", sign,
                 minutes, seconds % 60, part);
    else
        snprintf(ret_text, GOFORMAT_DURATION_LEN, "%s%" PRIu64 "%ss", sign, seconds,
                 part);
}

void goformat_time(int64_t wall_ns,
                   int64_t since_start_ns,
                   char ret_text[static GOFORMAT_TIME_LEN]) {
    int64_t second = (int64_t)SECOND_NS;
    int64_t part_ns = (wall_ns % second + second) % second;
    time_t time = (time_t)(wall_ns / second - (wall_ns % second < 0));
    uint64_t since =
        since_start_ns < 0 ? -(uint64_t)since_start_ns : (uint64_t)since_start_ns;
    char part[16];
    struct tm tm;

    gmtime_r(&time, &tm);
    print_part((uint64_t)part_ns, SECOND_NS, part);
    snprintf(ret_text, GOFORMAT_TIME_LEN,
             "%04u-%02u-%02u %02u:%02u:%02u%s +0000 UTC m=%c%" PRIu64 ".%09" PRIu64,
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
             (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, part,
             since_start_ns < 0 ? '-' : '+', since / SECOND_NS, since % SECOND_NS);
}
