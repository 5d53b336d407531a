/*
 * look_text - numbers, times and names as people read them in a chat
 *
 * "12 %", "1.2 GiB", "3.4 Mbit/s", "54 °C", "3 min ago". Each function with ret_text
 * writes at most LOOK_TEXT_LEN bytes and returns it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct turn;

enum { LOOK_TEXT_LEN = 64, LOOK_TEXT_BAR_CELLS = 10 };

/* One decimal below ten. */
const char *look_text_percent(double percent, char ret_text[static LOOK_TEXT_LEN]);

/* Steps of 1024, one decimal: "1.2 GiB". */
const char *look_text_bytes(double bytes, char ret_text[static LOOK_TEXT_LEN]);

/* Of bytes a second, as bits in steps of 1000: "3.4 Mbit/s". */
const char *look_text_bits(double bytes, char ret_text[static LOOK_TEXT_LEN]);

/* A metric's value by the unit of MetricInfo; NULL: what the catalogue says of it. */
const char *look_text_value(const struct turn *turn,
                            const char *metric,
                            const char *unit,
                            double value,
                            char ret_text[static LOOK_TEXT_LEN]);

/* "3 d 4 h", in the language of the turn. */
const char *look_text_duration(const struct turn *turn,
                               int64_t ms,
                               char ret_text[static LOOK_TEXT_LEN]);

/* "3 min ago", "just now"; "never" for 0. */
const char *look_text_ago(const struct turn *turn,
                          int64_t then_ms,
                          char ret_text[static LOOK_TEXT_LEN]);

/* "12:00:05" of today, "21.11. 12:00" of other days, in the hub's time zone. */
const char *look_text_clock(const struct turn *turn,
                            int64_t wall_ms,
                            char ret_text[static LOOK_TEXT_LEN]);

/* "█████░░░░░" of a percentage. */
const char *look_text_bar(double percent, char ret_text[static LOOK_TEXT_LEN]);

/* At most so many characters, and "…" in place of the rest; what no screen shows (control
 * characters, broken UTF-8) is a space. A new string. */
char *look_text_cut(const char *text, size_t characters);

/* The same, appended. */
void look_text_add(struct buf *out, const char *text, size_t characters);

/* A whole number of only digits; false else. */
bool look_text_number(const char *word, uint64_t *ret_number);

/* Is the word part of the text, whatever the case (Latin letters)? */
bool look_text_has(const char *text, const char *word);
