#include "agent/collect/diagnose/diagnose_smart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/folder.h"
#include "agent/collect/text.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/json_reader.h"

enum {
    DISKS_MAX = 32,
    WAIT_MS = 10000,     /* for one disk: one that sleeps is not woken (-n standby) */
    ALL_WAIT_MS = 60000, /* for all of them */
    ANSWER_MAX = 1 << 20,
    LOOK_MS = 200, /* how soon an agent that stops is obeyed */
};

/* --- running it --- */

static const char *find_smartctl(const struct diagnose *diagnose, char **ret_path) {
    static const char *const places[] = { "/usr/sbin/smartctl",
                                          "/usr/local/sbin/smartctl", "/sbin/smartctl" };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *path = mem_printf("%s%s", diagnose->root, places[i]);
        if (access(path, X_OK) == 0) {
            *ret_path = path;
            return path;
        }
        free(path);
    }
    return NULL;
}

/* Starts it with its output in a pipe; nothing of ours goes along. 0 or -errno. */
static int start(const char *program, const char *disk, int output, pid_t *ret_pid) {
    char *const args[] = {
        (char *)(uintptr_t)program,
        (char *)(uintptr_t) "--json=c",
        (char *)(uintptr_t) "-n",
        (char *)(uintptr_t) "standby",
        (char *)(uintptr_t) "-iHA",
        (char *)(uintptr_t)disk,
        NULL,
    };
    char *const environment[] = {
        (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        (char *)(uintptr_t) "LC_ALL=C", NULL
    };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;

    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    int r = posix_spawn(ret_pid, program, &actions, &attributes, args, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* Reads to the end or a limit: 0 or -errno. */
static int read_answer(const struct diagnose *diagnose,
                       int fd,
                       uint64_t until_ms,
                       struct buf *out) {
    for (;;) {
        uint64_t now_ms = clock_boot_ms();
        struct pollfd news = { .fd = fd, .events = POLLIN };
        if (now_ms >= until_ms)
            return -ETIMEDOUT;
        if (diagnose->is_cancelled)
            return -ECANCELED;
        if (poll(&news, 1, LOOK_MS) <= 0)
            continue;
        ssize_t len = read(fd, buf_room(out, 4096), 4096);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return 0;
        buf_added(out, (size_t)len);
        if (out->len > ANSWER_MAX)
            return -EFBIG;
    }
}

/* 0 and its output, or -errno. */
static int run(const struct diagnose *diagnose,
               const char *program,
               const char *disk,
               struct buf *out) {
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = start(program, disk, ends[1], &pid);
    close(ends[1]);
    if (r == 0) {
        r = read_answer(diagnose, ends[0], clock_boot_ms() + WAIT_MS, out);
        if (r < 0)
            kill(-pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return r;
}

/* --- what it says --- */

/* Numbers that tell; others are many. */
struct health {
    int passed; /* -1: not told */
    long long celsius;
    long long hours;
    long long reallocated; /* ATA 5 */
    long long pending;     /* ATA 197 */
    long long lost;        /* ATA 198 */
    long long warning;     /* NVMe: bits */
    long long wear;        /* NVMe: percent */
    long long media_errors;
    long long spare;
    char model[128];
    char trouble[256];
};

/* Where in the answer a value stands: its names from the top, joined by dots. */
struct path {
    char text[256];
    size_t ends[16]; /* length before each depth */
    unsigned depth;
};

static const struct {
    const char *path;
    size_t at;
} numbers[] = {
    { "temperature.current", offsetof(struct health, celsius) },
    { "power_on_time.hours", offsetof(struct health, hours) },
    { "nvme_smart_health_information_log.critical_warning",
      offsetof(struct health, warning) },
    { "nvme_smart_health_information_log.percentage_used",
      offsetof(struct health, wear) },
    { "nvme_smart_health_information_log.media_errors",
      offsetof(struct health, media_errors) },
    { "nvme_smart_health_information_log.available_spare",
      offsetof(struct health, spare) },
};

static void take_number(struct health *health,
                        const char *path,
                        long long number,
                        long long *attribute) {
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(numbers[i].path, path) == 0)
            *(long long *)(void *)((char *)health + numbers[i].at) = number;
    if (strcmp(path, "ata_smart_attributes.table.id") == 0)
        *attribute = number;
    if (strcmp(path, "ata_smart_attributes.table.raw.value") != 0)
        return;
    if (*attribute == 5)
        health->reallocated = number;
    else if (*attribute == 197)
        health->pending = number;
    else if (*attribute == 198)
        health->lost = number;
}

static void take_text(struct health *health, const char *path, struct slice text) {
    if (strcmp(path, "model_name") == 0)
        snprintf(health->model, sizeof(health->model), "%.*s", (int)text.len,
                 (const char *)text.at);
    else if (strcmp(path, "smartctl.messages.string") == 0 && !health->trouble[0])
        snprintf(health->trouble, sizeof(health->trouble), "%.*s", (int)text.len,
                 (const char *)text.at);
}

static bool go_in(struct path *path) {
    if (path->depth == sizeof(path->ends) / sizeof(path->ends[0]))
        return false;
    path->ends[path->depth++] = strlen(path->text);
    return true;
}

static void go_out(struct path *path) {
    if (path->depth > 0)
        path->depth--;
}

/* The name of a member stands behind what its object is called. */
static void set_name(struct path *path, struct slice name) {
    size_t end = path->depth > 0 ? path->ends[path->depth - 1] : 0;

    snprintf(path->text + end, sizeof(path->text) - end, "%s%.*s", end > 0 ? "." : "",
             (int)name.len, (const char *)name.at);
}

/* After a value the path is that of what holds it. */
static void cut_back(struct path *path) {
    if (path->depth > 0 && strlen(path->text) > path->ends[path->depth - 1])
        path->text[path->ends[path->depth - 1]] = '\0';
}

static bool take_token(struct health *health,
                       struct path *path,
                       enum json_token token,
                       struct slice value,
                       long long *attribute) {
    switch (token) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return go_in(path);
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        cut_back(path);
        go_out(path);
        return true;
    case JSON_NAME:
        set_name(path, value);
        return true;
    case JSON_NUMBER:
        take_number(health, path->text, strtoll((const char *)value.at, NULL, 10),
                    attribute);
        return true;
    case JSON_TEXT:
        take_text(health, path->text, value);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        if (strcmp(path->text, "smart_status.passed") == 0)
            health->passed = token == JSON_TRUE;
        return true;
    default:
        return token == JSON_NULL;
    }
}

static bool read_health(struct slice json, struct health *health) {
    struct json_reader reader;
    struct path path = { 0 };
    long long attribute = 0;
    enum json_token token;
    bool ok = true;

    json_reader_init(&reader, json);
    while (ok && (token = json_reader_next(&reader)) != JSON_END)
        ok = token != JSON_BAD &&
             take_token(health, &path, token, json_reader_value(&reader), &attribute);
    json_reader_done(&reader);
    return ok;
}

/* --- a disk --- */

static void worry(struct diagnose *diagnose, const struct health *health) {
    if (health->passed == 0)
        diagnose_worry(diagnose, "the disk says that it is failing");
    if (health->reallocated > 0)
        diagnose_worry(diagnose, "%lld sectors were replaced", health->reallocated);
    if (health->pending > 0)
        diagnose_worry(diagnose, "%lld sectors cannot be read", health->pending);
    if (health->lost > 0)
        diagnose_worry(diagnose, "%lld sectors are lost", health->lost);
    if (health->warning > 0)
        diagnose_worry(diagnose, "critical warning 0x%llx", health->warning);
    if (health->media_errors > 0)
        diagnose_worry(diagnose, "%lld errors of its media", health->media_errors);
    if (health->wear >= 90)
        diagnose_worry(diagnose, "%lld %% of its life are used", health->wear);
}

static void add_number(struct diagnose *diagnose,
                       const char *name,
                       long long number,
                       const char *unit) {
    if (number >= 0)
        diagnose_add(diagnose, name, "%lld%s", number, unit);
}

static void add_health(struct diagnose *diagnose, const struct health *health) {
    diagnose_add(diagnose, "model", "%s", health->model);
    if (health->passed >= 0)
        diagnose_add(diagnose, "health", "%s", health->passed ? "passed" : "FAILING");
    add_number(diagnose, "temperature", health->celsius, " C");
    add_number(diagnose, "hours", health->hours, "");
    add_number(diagnose, "replaced", health->reallocated, " sectors");
    add_number(diagnose, "pending", health->pending, " sectors");
    add_number(diagnose, "lost", health->lost, " sectors");
    add_number(diagnose, "life used", health->wear, " %");
    add_number(diagnose, "spare", health->spare, " %");
    add_number(diagnose, "media errors", health->media_errors, "");
    if (health->passed < 0)
        diagnose_add(diagnose, "trouble", "%s", health->trouble);
    worry(diagnose, health);
}

static void add_disk(struct diagnose *diagnose, const char *program, const char *name) {
    auto_(mem_freep) char *device = mem_printf("/dev/%s", name);
    struct buf answer = { 0 };
    struct health health = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, "", "" };

    diagnose_item(diagnose, name);
    int r = run(diagnose, program, device, &answer);
    if (r < 0)
        diagnose_add(diagnose, "trouble", "smartctl: %s", strerror(-r));
    else if (!read_health(buf_slice(&answer), &health))
        diagnose_add(diagnose, "trouble", "smartctl says what cannot be understood");
    else
        add_health(diagnose, &health);
    buf_done(&answer);
}

static bool is_disk(const struct diagnose *diagnose, const char *name) {
    return text_list_matches("sd*,nvme*,hd*", name) &&
           diagnose_number(diagnose, 0, "/sys/block/%s/size", name) > 0;
}

void diagnose_smart(struct diagnose *diagnose) {
    auto_(mem_freep) char *blocks = mem_printf("%s/sys/block", diagnose->root);
    uint64_t until_ms = clock_boot_ms() + ALL_WAIT_MS;
    char *program = NULL;
    struct folder names;

    diagnose_begin(diagnose, "smart");
    if (!find_smartctl(diagnose, &program))
        return;
    folder_list(&names, blocks, "*");
    for (size_t i = 0, asked = 0; i < names.count && asked < DISKS_MAX; i++) {
        if (!is_disk(diagnose, names.names[i]) || clock_boot_ms() >= until_ms)
            continue;
        add_disk(diagnose, program, names.names[i]);
        asked++;
    }
    folder_done(&names);
    free(program);
}
