/*
 * log - one line to standard error about what was decided
 *
 * Where the journal reads standard error (JOURNAL_STREAM says so), lines carry a "<N>"
 * priority prefix; on a terminal or in a file they carry the time. A format "json" writes
 * one JSON object a line. Control characters in the text are escaped, so that a peer
 * cannot forge lines. base, wire, draw and store never log above debug.
 */
#pragma once

#include <stdbool.h>

/* Priorities of syslog (RFC 5424, 6.2.1) that we use. */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Parses "error", "warning" (or "warn"), "info", "debug", any case; negative: unknown
 * word. */
int log_level_parse(const char *word);

void log_set_level(enum log_level level);
void log_set_json(bool json);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
