#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

static enum log_level threshold = LOG_LEVEL_INFO;
static bool as_json;

static const struct {
    const char *word;
    enum log_level level;
} words[] = {
    { "error", LOG_LEVEL_ERROR },  { "warning", LOG_LEVEL_WARNING },
    { "warn", LOG_LEVEL_WARNING }, { "info", LOG_LEVEL_INFO },
    { "debug", LOG_LEVEL_DEBUG },
};

int log_level_parse(const char *word) {
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(words[i].word, word) == 0)
            return (int)words[i].level;
    return -1;
}

void log_set_level(enum log_level level) {
    threshold = level;
}

void log_set_json(bool json) {
    as_json = json;
}

static const char *word_of(enum log_level level) {
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].level == level)
            return words[i].word;
    return "log";
}

/* Is standard error the journal's? JOURNAL_STREAM is inherited by programs whose own is
 * another file, so that it tells which one it means. */
static bool is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat facts;
    char own[64];

    if (!stream || fstat(STDERR_FILENO, &facts) != 0)
        return false;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)facts.st_dev,
             (uintmax_t)facts.st_ino);
    return strcmp(own, stream) == 0;
}

static void add_head(struct buf *line, enum log_level level) {
    struct timespec now;
    struct tm parts;
    char time_text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%S", &parts);
    long ms = now.tv_nsec / 1000000;

    bool tells_journal = is_journal();
    if (tells_journal)
        buf_printf(line, "<%d>", (int)level);
    if (as_json)
        buf_printf(line, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"message\":\"",
                   time_text, ms, word_of(level));
    else if (!tells_journal)
        buf_printf(line, "%s.%03ldZ %s: ", time_text, ms, word_of(level));
}

static void add_escaped(struct buf *line, const char *text) {
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (as_json && (c == '"' || c == '\\'))
            buf_printf(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(line, as_json ? "\\u%04x" : "\\x%02x", c);
        else
            buf_add_byte(line, c);
    }
}

static void write_line(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void write_line(enum log_level level, const char *format, va_list args) {
    if (level > threshold)
        return;

    struct buf text = { 0 };
    struct buf line = { 0 };
    buf_vprintf(&text, format, args);
    add_head(&line, level);
    add_escaped(&line, buf_text(&text));
    buf_add_text(&line, as_json ? "\"}\n" : "\n");
    /* A log that cannot be written has nowhere to complain to: ignoring. */
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written;
    buf_done(&line);
    buf_done(&text);
}

void log_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_ERROR, format, args);
    va_end(args);
}

void log_warning(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_WARNING, format, args);
    va_end(args);
}

void log_info(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_INFO, format, args);
    va_end(args);
}

void log_debug(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_DEBUG, format, args);
    va_end(args);
}
