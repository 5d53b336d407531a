#include "agent/collect/proc/proc_users.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/proc/proc_strings.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
    KEEP_MS = 60000,
    SLOW_MS = 500,      /* a source that takes longer is left alone */
    PAUSE_MS = 300000,  /* for this long */
    USERS_MAX = 4096,   /* of a file that is not sane */
    ENTRY_BYTES = 4096, /* of getpwuid_r(3); a longer entry is nobody's */
};

struct user {
    uint32_t uid;
    const char *name; /* lent by strings */
};

struct proc_users {
    char *root; /* owned */
    char *path; /* owned: of the file */
    struct proc_strings strings;
    struct user *items; /* owned; sorted by uid */
    size_t count;
    size_t cap;
    struct stat file; /* as it was when it was read; zeroed: it is not there */
    uint64_t read_ms;
    uint64_t pause_until_ms;
};

struct proc_users *proc_users_new(const char *root) {
    struct proc_users *users = mem_new(sizeof(*users));

    users->root = mem_strdup(root);
    users->path = mem_printf("%s/etc/passwd", root);
    return users;
}

static void forget(struct proc_users *users) {
    proc_strings_done(&users->strings);
    free(users->items);
    users->items = NULL;
    users->count = users->cap = 0;
    users->read_ms = 0;
}

struct proc_users *proc_users_free(struct proc_users *users) {
    if (!users)
        return NULL;
    forget(users);
    free(users->root);
    free(users->path);
    free(users);
    return NULL;
}

/* The place of the uid, or where it belongs. */
static size_t place_of(const struct proc_users *users, uint32_t uid) {
    size_t low = 0, high = users->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (users->items[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first entry of a number counts, as for the system. */
static const char *remember(struct proc_users *users, uint32_t uid, const char *name) {
    size_t at = place_of(users, uid);

    if (at < users->count && users->items[at].uid == uid)
        return users->items[at].name;
    if (users->count == users->cap) {
        users->cap = users->cap ? 2 * users->cap : 32;
        users->items = mem_grow(users->items, users->cap * sizeof(*users->items));
    }
    memmove(&users->items[at + 1], &users->items[at],
            (users->count - at) * sizeof(*users->items));
    users->count++;
    users->items[at] = (struct user) {
        .uid = uid,
        .name = proc_strings_add(&users->strings, name, strlen(name)),
    };
    return users->items[at].name;
}

/* "name:x:1000:..." */
static void take_line(struct proc_users *users, char *line) {
    char *rest = strchr(line, ':');
    char *end;

    if (!rest || rest == line || line[0] == '#' || line[0] == '+')
        return;
    *rest++ = '\0';
    rest = strchr(rest, ':');
    if (!rest || rest[1] < '0' || rest[1] > '9')
        return;
    errno = 0;
    unsigned long uid = strtoul(rest + 1, &end, 10);
    if (errno == 0 && *end == ':' && uid < UINT32_MAX)
        remember(users, (uint32_t)uid, line);
}

static void read_file(struct proc_users *users) {
    FILE *file = fopen(users->path, "re");
    char line[512];
    bool is_whole = true;

    users->read_ms = clock_boot_ms();
    if (!file)
        return;
    while (users->count < USERS_MAX && fgets(line, sizeof(line), file)) {
        bool begins = is_whole;
        is_whole = strchr(line, '\n') != NULL;
        if (begins)
            take_line(users, line);
    }
    fclose(file);
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void proc_users_refresh(struct proc_users *users) {
    struct stat now;

    if (stat(users->path, &now) != 0)
        now = (struct stat) { 0 };
    if (users->read_ms > 0 && clock_boot_ms() - users->read_ms < KEEP_MS &&
        is_same_file(&now, &users->file))
        return;
    forget(users);
    users->file = now;
    read_file(users);
}

/* Are the system's sources to be asked, and is there patience for them? */
static bool may_ask(const struct proc_users *users) {
    return users->root[0] == '\0' && clock_boot_ms() >= users->pause_until_ms;
}

static void note_time(struct proc_users *users, uint64_t began_ms) {
    if (clock_boot_ms() - began_ms > SLOW_MS)
        users->pause_until_ms = clock_boot_ms() + PAUSE_MS;
}

const char *proc_users_name(struct proc_users *users, uint32_t uid) {
    size_t at = place_of(users, uid);
    char number[16], bytes[ENTRY_BYTES];
    struct passwd entry, *found = NULL;

    if (at < users->count && users->items[at].uid == uid)
        return users->items[at].name;
    snprintf(number, sizeof(number), "%u", uid);
    if (may_ask(users)) {
        uint64_t began_ms = clock_boot_ms();
        if (getpwuid_r(uid, &entry, bytes, sizeof(bytes), &found) != 0)
            found = NULL;
        note_time(users, began_ms);
    }
    return remember(users, uid, found ? found->pw_name : number);
}

bool proc_users_find(struct proc_users *users, const char *name, uint32_t *ret_uid) {
    char bytes[ENTRY_BYTES];
    struct passwd entry, *found = NULL;
    char *end;

    for (size_t i = 0; i < users->count; i++) {
        if (strcmp(users->items[i].name, name) == 0) {
            *ret_uid = users->items[i].uid;
            return true;
        }
    }
    errno = 0;
    unsigned long uid = strtoul(name, &end, 10);
    if (name[0] >= '0' && name[0] <= '9' && *end == '\0' && errno == 0 &&
        uid <= UINT32_MAX) {
        *ret_uid = (uint32_t)uid;
        return true;
    }
    if (!may_ask(users))
        return false;
    uint64_t began_ms = clock_boot_ms();
    if (getpwnam_r(name, &entry, bytes, sizeof(bytes), &found) != 0)
        found = NULL;
    note_time(users, began_ms);
    if (found)
        *ret_uid = found->pw_uid;
    return found != NULL;
}
