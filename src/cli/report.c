#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/terminal/text.h"

static void say(const char *prefix, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void say(const char *prefix, const char *format, va_list args) {
    struct buf raw = { 0 };
    struct buf line = { 0 };

    buf_vprintf(&raw, format, args);
    buf_add_text(&line, prefix);
    text_add_clean(&line, buf_text(&raw));
    buf_add_byte(&line, '\n');
    fputs(buf_text(&line), stderr);
    buf_done(&line);
    buf_done(&raw);
}

int report_fail(enum report_exit code, const char *remedy, const char *format, ...) {
    va_list args;

    fflush(stdout);
    va_start(args, format);
    say("roost: ", format, args);
    va_end(args);
    if (remedy)
        fprintf(stderr, "try: %s\n", remedy);
    return (int)code;
}

void report_note(const char *format, ...) {
    va_list args;

    va_start(args, format);
    say("", format, args);
    va_end(args);
}

void report_hint(const char *text, const char *remedy) {
    fprintf(stderr, "%s\ntry: %s\n", text, remedy);
}

int report_exit_of_many(size_t failed, size_t count, int last) {
    return failed == 0 ? REPORT_OK : failed < count ? REPORT_PARTLY : last;
}

int report_each(struct cli *cli,
                int (*act)(struct cli *cli, const char *word, const void *arg),
                const void *arg) {
    size_t count = args_count(cli->args);
    size_t failed = 0;
    int last = REPORT_OK;

    for (size_t i = 0; i < count; i++) {
        int r = act(cli, args_at(cli->args, i), arg);
        failed += r != 0;
        last = r != 0 ? r : last;
    }
    return report_exit_of_many(failed, count, last);
}

enum report_exit report_exit_of(enum grpc_status status) {
    switch (status) {
    case GRPC_OK:
        return REPORT_OK;
    case GRPC_INVALID_ARGUMENT:
        return REPORT_USAGE;
    case GRPC_UNAUTHENTICATED:
        return REPORT_NO_HUB;
    case GRPC_NOT_FOUND:
        return REPORT_NOT_FOUND;
    case GRPC_PERMISSION_DENIED:
        return REPORT_DENIED;
    case GRPC_UNAVAILABLE:
        return REPORT_OFFLINE;
    case GRPC_DEADLINE_EXCEEDED:
        return REPORT_TIMEOUT;
    default:
        return REPORT_FAILED;
    }
}

bool report_is_output_over(void) {
    return fflush(stdout) != 0 || ferror(stdout);
}

int report_finish(int code) {
    errno = 0;
    if (!report_is_output_over() || errno == EPIPE || errno == 0)
        return code;
    fprintf(stderr, "roost: standard output: %s\n", strerror(errno));
    return code == REPORT_OK ? REPORT_FAILED : code;
}
