/*
 * units - numbers as people read them
 *
 * "1.2 GiB", "3.4 MB/s", "12 %", "54 °C", "3 d 4 h", "3 min ago". Each function appends
 * nothing but the text; those with a buffer write at most UNITS_LEN bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { UNITS_LEN = 40 };

/* Bytes in units of 1024. */
void units_bytes(double bytes, char ret_text[static UNITS_LEN]);

/* Bytes a second in units of 1000, as links are sold. */
void units_rate(double bytes, char ret_text[static UNITS_LEN]);

/* A length of time, the two largest units of it. */
void units_duration(double seconds, char ret_text[static UNITS_LEN]);

/* How long a call took, given in microseconds: "0.85 ms", "12 ms", "1.5 s". */
void units_latency(uint64_t us, char ret_text[static UNITS_LEN]);

/* "3 min ago", "just now", "in 5 min" for a time before or after now. */
void units_ago(int64_t then_ms, int64_t now_ms, char ret_text[static UNITS_LEN]);

/* A number with the decimals of its size: 0.25, 2.5, 25. */
void units_number(double number, char ret_text[static UNITS_LEN]);

/* A metric's value by its unit as MetricInfo has it; NULL or "1" is a bare number.
 * unicode: the degree sign may be used. */
void units_value(double value,
                 const char *unit,
                 bool unicode,
                 char ret_text[static UNITS_LEN]);

/* A value as a number of JSON: integers as integers up to 2^53, others with at most
 * `scale` decimals, no exponent where it can be avoided; null when it is no number. */
void units_json(double value, unsigned scale, char ret_text[static UNITS_LEN]);
