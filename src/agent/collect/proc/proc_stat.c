#include "agent/collect/proc/proc_stat.h"

#include <string.h>

enum {
    KERNEL_THREAD = 0x00200000, /* PF_KTHREAD of the kernel's sched.h */
    FIELDS = 21,                /* those behind the state, up to rss */
};

/* Places among these fields. */
enum {
    PARENT = 0,
    TERMINAL = 3,
    FLAGS = 5,
    USER = 10,
    SYSTEM = 11,
    NICE = 15,
    THREADS = 16,
    START = 18,
    RSS = 20,
};

/* A number with or without a sign; what does not fit is cut. */
static bool take_number(const char **at, const char *end, int64_t *ret_number) {
    const char *c = *at;
    uint64_t number = 0;

    while (c < end && *c == ' ')
        c++;
    bool is_negative = c < end && *c == '-';
    c += is_negative;
    if (c >= end || *c < '0' || *c > '9')
        return false;
    for (; c < end && *c >= '0' && *c <= '9'; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
    }
    *at = c;
    *ret_number = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static uint64_t positive(int64_t number) {
    return number > 0 ? (uint64_t)number : 0;
}

static uint32_t positive_32(int64_t number) {
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)positive(number);
}

static int32_t clip_32(int64_t number) {
    return number > INT32_MAX   ? INT32_MAX
           : number < INT32_MIN ? INT32_MIN
                                : (int32_t)number;
}

/* The kernel writes a newline as "\n" and a backslash as "\\". */
static void take_name(struct proc_stat *stat, const char *at, const char *end) {
    size_t len = 0;

    for (; at < end && len < PROC_STAT_NAME_LEN - 1; at++) {
        char c = *at;
        if (c == '\\' && at + 1 < end && (at[1] == 'n' || at[1] == '\\'))
            c = *++at == 'n' ? '\n' : '\\';
        stat->name[len++] = c ? c : '?';
    }
    stat->name[len] = '\0';
    stat->name_len = (uint8_t)len;
}

bool proc_stat_parse(const char *text, size_t len, struct proc_stat *ret_stat) {
    const char *end = text + len;
    const char *at = text;
    int64_t fields[FIELDS], pid;

    if (!take_number(&at, end, &pid) || pid <= 0 || pid > INT32_MAX || end - at < 2 ||
        at[0] != ' ' || at[1] != '(')
        return false;
    const char *name = at + 2;
    const char *bracket = memrchr(name, ')', (size_t)(end - name));
    if (!bracket || end - bracket < 4 || bracket[1] != ' ' || bracket[3] != ' ')
        return false;
    at = bracket + 3;
    for (size_t i = 0; i < FIELDS; i++)
        if (!take_number(&at, end, &fields[i]))
            return false;
    struct proc_stat stat = {
        .pid = (uint32_t)pid,
        .parent = positive_32(fields[PARENT]),
        .flags = positive_32(fields[FLAGS]),
        .threads = positive_32(fields[THREADS]),
        .terminal = clip_32(fields[TERMINAL]),
        .nice = clip_32(fields[NICE]),
        .user_ticks = positive(fields[USER]),
        .system_ticks = positive(fields[SYSTEM]),
        .start_ticks = positive(fields[START]),
        .rss_pages = positive(fields[RSS]),
        .state = bracket[2] > ' ' && bracket[2] < 0x7f ? bracket[2] : '?',
    };
    stat.is_kernel_thread = (stat.flags & KERNEL_THREAD) != 0;
    take_name(&stat, name, bracket);
    *ret_stat = stat;
    return true;
}
