#include "agent/collect/logins.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utmp.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { FILE_MAX = LOGINS_MAX * (int)sizeof(struct utmp) };

static bool is_alive(const char *root, int32_t pid) {
    auto_(mem_freep) char *path = mem_printf("%s/proc/%d", root, (int)pid);
    return file_exists(path);
}

/* Fields of utmp have no NUL when they are full. */
static void copy(char *to, size_t cap, const char *field, size_t len) {
    size_t used = strnlen(field, len < cap ? len : cap - 1);

    memcpy(to, field, used);
    to[used] = '\0';
}

static void add(struct logins *logins, const struct utmp *entry) {
    struct login *login = &logins->items[logins->count++];

    copy(login->user, sizeof(login->user), entry->ut_user, sizeof(entry->ut_user));
    copy(login->terminal, sizeof(login->terminal), entry->ut_line,
         sizeof(entry->ut_line));
    copy(login->from, sizeof(login->from), entry->ut_host, sizeof(entry->ut_host));
    login->since_ms = (int64_t)entry->ut_tv.tv_sec * 1000 + entry->ut_tv.tv_usec / 1000;
    login->pid = (uint32_t)entry->ut_pid;
}

void logins_read(struct logins *logins, const char *root) {
    auto_(mem_freep) char *path = mem_printf("%s/run/utmp", root);
    struct buf bytes = { 0 };
    struct utmp entry;

    *logins = (struct logins) { 0 };
    file_read(path, FILE_MAX, &bytes);
    size_t count = bytes.len / sizeof(entry);
    logins->items = mem_new_array(count + 1, sizeof(*logins->items));
    for (size_t i = 0; i < count; i++) {
        memcpy(&entry, bytes.data + i * sizeof(entry), sizeof(entry));
        if (entry.ut_type == USER_PROCESS && entry.ut_user[0] != '\0' &&
            entry.ut_pid > 0 && is_alive(root, entry.ut_pid))
            add(logins, &entry);
    }
    buf_done(&bytes);
}

void logins_done(struct logins *logins) {
    free(logins->items);
    *logins = (struct logins) { 0 };
}
