#include "agent/collect/diagnose/diagnose_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    RECORD_MAX = 8192,    /* what one read of kmsg gives */
    RECORDS_MAX = 100000, /* it can be written while it is read */
    LINES_MAX = 60,       /* the newest that are shown */
    TEXT_MAX = 300,
    LEVEL_ERROR = 3,
    LEVEL_WARNING = 4,
};

/* A complaint of the kernel, and how often it came. */
struct line {
    char text[TEXT_MAX];
    unsigned level;
    unsigned count;
    unsigned long long at_us; /* of the last, since the start */
};

struct log {
    struct line lines[LINES_MAX]; /* a ring */
    size_t count;                 /* all there ever were */
    unsigned errors;
    unsigned warnings;
};

/* What is worth a concern wherever it stands in an error or warning. */
static const char *const alarms[] = {
    "I/O error",
    "EXT4-fs error",
    "XFS (",
    "BTRFS error",
    "Out of memory",
    "Hardware Error",
    "soft lockup",
    "hard LOCKUP",
    "blocked for more than",
    "nder-voltage",
    "Machine check",
    "Kernel panic",
    "Oops",
    "general protection fault",
    "BUG:",
    "critical medium error",
    "failed command",
    "timeout, aborting",
    "link is not ready, giving up",
    "thermal shutdown",
};

static bool is_alarming(const char *text) {
    for (size_t i = 0; i < sizeof(alarms) / sizeof(alarms[0]); i++)
        if (strstr(text, alarms[i]))
            return true;
    return false;
}

static struct line *find(struct log *log, const char *text) {
    size_t there = log->count < LINES_MAX ? log->count : LINES_MAX;

    for (size_t i = 0; i < there; i++)
        if (strcmp(log->lines[i].text, text) == 0)
            return &log->lines[i];
    return NULL;
}

static void keep(struct log *log,
                 unsigned level,
                 unsigned long long at_us,
                 const char *text) {
    char cut[TEXT_MAX];

    snprintf(cut, sizeof(cut), "%s", text);
    struct line *line = find(log, cut);
    if (!line) {
        line = &log->lines[log->count++ % LINES_MAX];
        *line = (struct line) { .level = level };
        memcpy(line->text, cut, sizeof(cut));
    }
    line->count++;
    line->at_us = at_us;
}

/* "6,1234,5678,-;text": priority, number, microseconds, flags. */
static void take_record(struct log *log, char *record) {
    char *text = strchr(record, ';');
    const char *at = record;
    uint64_t priority, number, at_us;

    if (!text || !text_number(&at, &priority) || !text_skip(&at, ",") ||
        !text_number(&at, &number) || !text_skip(&at, ",") || !text_number(&at, &at_us))
        return;
    unsigned level = (unsigned)priority & 7;
    if (level > LEVEL_WARNING || priority >> 3 != 0) /* of others than the kernel */
        return;
    text++;
    text[strcspn(text, "\n")] = '\0';
    log->errors += level <= LEVEL_ERROR;
    log->warnings += level == LEVEL_WARNING;
    keep(log, level, at_us, text);
}

/* A recorded tree has records in an ordinary file, one a line. */
static void take_file(struct log *log, int fd, char *page, size_t len) {
    char *rest = NULL;

    (void)fd;
    page[len] = '\0';
    for (char *line = strtok_r(page, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        if (line[0] != ' ') /* a dictionary's */
            take_record(log, line);
}

/* 0 or -errno. */
static int read_log(const struct diagnose *diagnose, struct log *log) {
    auto_(mem_freep) char *path = mem_printf("%s/dev/kmsg", diagnose->root);
    auto_(mem_freep) char *page = mem_new(RECORD_MAX + 1);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        ssize_t len = read(fd, page, RECORD_MAX);
        if (len < 0 && (errno == EPIPE || errno == EINTR))
            continue; /* records were overwritten meanwhile */
        if (len <= 0)
            break;
        take_file(log, fd, page, (size_t)len);
    }
    close(fd);
    return 0;
}

static void add_line(struct diagnose *diagnose, const struct line *line) {
    diagnose_item(diagnose, line->text);
    diagnose_add(diagnose, "level", "%s",
                 line->level <= LEVEL_ERROR ? "error" : "warning");
    diagnose_add(diagnose, "times", "%u", line->count);
    diagnose_add(diagnose, "seconds", "%.1f", (double)line->at_us / 1e6);
    if (is_alarming(line->text))
        diagnose_worry(diagnose, "the kernel complained %u times", line->count);
}

static void add_log(struct diagnose *diagnose) {
    auto_(mem_freep) void *memory = mem_new(sizeof(struct log));
    struct log *log = memory;

    int r = read_log(diagnose, log);
    if (r < 0) {
        diagnose_add(diagnose, "log", "cannot be read: %s", strerror(-r));
        return;
    }
    diagnose_add(diagnose, "errors", "%u", log->errors);
    diagnose_add(diagnose, "warnings", "%u", log->warnings);
    size_t there = log->count < LINES_MAX ? log->count : LINES_MAX;
    for (size_t i = 0; i < there; i++)
        add_line(diagnose, &log->lines[(log->count - there + i) % LINES_MAX]);
}

/* Bits of /proc/sys/kernel/tainted that tell of trouble, and not of a licence. */
static void add_taint(struct diagnose *diagnose) {
    static const struct {
        unsigned bit;
        const char *text;
    } bits[] = {
        { 4, "a machine check was reported" },
        { 5, "a bad page was found" },
        { 7, "the kernel has died once (oops)" },
        { 9, "the kernel has warned of a fault" },
        { 14, "a processor was locked up" },
    };
    long long taint = diagnose_number(diagnose, 0, "/proc/sys/kernel/tainted");

    diagnose_add(diagnose, "taint", "%lld", taint);
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (taint >> bits[i].bit & 1)
            diagnose_worry(diagnose, "%s", bits[i].text);
}

void diagnose_kernel(struct diagnose *diagnose) {
    diagnose_begin(diagnose, "kernel");
    diagnose_item(diagnose, "kernel");
    diagnose_add_file(diagnose, "release", "/proc/sys/kernel/osrelease");
    diagnose_add_file(diagnose, "command line", "/proc/cmdline");
    add_taint(diagnose);
    add_log(diagnose);
}
