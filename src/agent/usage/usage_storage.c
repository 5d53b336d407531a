#include "agent/usage/usage_storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/collect/storage.h"
#include "agent/usage/usage_user.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "roost/v1/usage.pb-c.h"
#include "rpc/invocation.h"
#include "wire/utf8.h"

enum {
    COUNTS_MAX = 4, /* at the same time: each may keep 16 MiB and a disk busy */
    ENTRIES_USUAL = 50,
    ENTRIES_MAX = 1000,
    PROGRESS_MS = 250,
    PATH_LEN_MAX = 4096,
    NICE_LEAST = 19,
    IOPRIO_WHO_PROCESS = 1, /* of linux/ioprio.h */
    IOPRIO_IDLE = 3 << 13,
};

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct usage_storage {
    struct usage_storage_config config;
    struct list counts; /* of struct count */
    size_t count;
};

/* One call. The thread sees what is marked so, until done() is called. */
struct count {
    struct job job;
    struct list node;
    struct usage_storage *counts;  /* borrowed: its list has us */
    struct worker *worker;         /* owned */
    struct invocation *invocation; /* borrowed; NULL: the caller has gone */
    struct timer progress;
    struct task end;

    const char *root; /* borrowed: of the thread, as what follows */
    char *user;       /* owned; "": none was asked for */
    char *path;       /* owned; of the request, then what is counted */
    bool is_operator;
    struct storage storage;
    int result;
    char *why; /* owned; why nothing can be counted, else NULL */
    enum grpc_status status;
};

struct usage_storage *usage_storage_new(const struct usage_storage_config *config) {
    struct usage_storage *counts = mem_new(sizeof(*counts));

    counts->config = *config;
    list_init(&counts->counts);
    return counts;
}

static void count_free(struct count *count) {
    list_remove(&count->node);
    count->counts->count--;
    loop_cancel(&count->end);
    timer_stop(&count->progress);
    storage_done(&count->storage);
    free((char *)(uintptr_t)count->storage.within);
    free(count->user);
    free(count->path);
    free(count->why);
    free(count);
}

struct usage_storage *usage_storage_free(struct usage_storage *counts) {
    if (!counts)
        return NULL;
    list_for_each_safe(node, after, &counts->counts)
        atomic_store(&container_of(node, struct count, node)->storage.cancel, true);
    while (!list_is_empty(&counts->counts)) {
        struct count *count = container_of(counts->counts.next, struct count, node);
        count->worker = worker_free(count->worker);
        count_free(count);
    }
    free(counts);
    return NULL;
}

/* --- on the thread --- */

static void fail(struct count *count, enum grpc_status status, char *why) {
    count->status = status;
    count->why = why;
}

/* Where the folder is, and whether this caller may have it counted. */
static void find_folder(struct count *count) {
    uid_t uid = geteuid();
    auto_(mem_freep) char *home =
        usage_user_home(*count->user ? count->user : NULL, &uid);
    char *wanted;

    if (!home && (*count->user || !*count->path)) {
        fail(count, GRPC_NOT_FOUND,
             *count->user ? mem_printf("no user \"%s\" on this host", count->user)
                          : mem_strdup("the agent's own user has no home: say a path"));
        return;
    }
    if (!count->is_operator && (!home || uid != geteuid())) {
        fail(count, GRPC_PERMISSION_DENIED,
             mem_strdup("homes of others need the role operator on this node"));
        return;
    }
    if (!count->is_operator) {
        auto_(mem_freep) char *below = mem_printf("%s%s", count->root, home);
        count->storage.within = realpath(below, NULL);
    }
    if (*count->path)
        wanted = mem_printf("%s%s", count->root, count->path);
    else
        wanted = mem_printf("%s%s", count->root, home);
    free(count->path);
    count->path = wanted;
}

static void explain(struct count *count) {
    const char *path = count->path + strlen(count->root);

    switch (-count->result) {
    case EPERM:
        fail(count, GRPC_PERMISSION_DENIED,
             mem_strdup("folders that are not in the home of the agent's own user need "
                        "the role operator on this node"));
        return;
    case EACCES:
        fail(count, GRPC_PERMISSION_DENIED,
             mem_printf("the agent's own user may not read %s", path));
        return;
    case ENOENT:
        fail(count, GRPC_NOT_FOUND, mem_printf("%s: there is no such folder", path));
        return;
    case ENOTDIR:
        fail(count, GRPC_INVALID_ARGUMENT, mem_printf("%s is no folder", path));
        return;
    default:
        fail(count, GRPC_UNAVAILABLE,
             mem_printf("%s: %s", path, strerror(-count->result)));
    }
}

static void run(struct job *job) {
    struct count *count = container_of(job, struct count, job);

    /* Where either is denied it is counted all the same. */
    setpriority(PRIO_PROCESS, 0, NICE_LEAST);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
    find_folder(count);
    if (count->why)
        return;
    count->result = storage_count(&count->storage, count->path);
    if (count->result < 0)
        explain(count);
}

/* --- on the loop --- */

/* The name as text; a new string. */
static char *print_name(const char *name) {
    struct slice rest = slice_of_text(name);
    struct buf out = { 0 };

    while (rest.len > 0) {
        size_t len = utf8_char_len(rest);
        if (len > 0)
            buf_add(&out, rest.at, len);
        else
            buf_add_text(&out, REPLACEMENT);
        rest = slice_after(rest, len > 0 ? len : 1);
    }
    return buf_take_text(&out);
}

static void fill(const struct count *count, Roost__V1__StorageUsage *out) {
    const struct storage *storage = &count->storage;

    roost__v1__storage_usage__init(out);
    out->bytes = atomic_load(&storage->bytes);
    out->files = atomic_load(&storage->files);
    out->folders = atomic_load(&storage->folders);
    out->unreadable = atomic_load(&storage->unreadable);
    out->unsure = atomic_load(&storage->unsure);
    out->skipped_mounts = (uint32_t)atomic_load(&storage->skipped);
}

static void send_progress(struct timer *timer) {
    struct count *count = container_of(timer, struct count, progress);
    Roost__V1__StorageUsage usage;

    if (!count->invocation)
        return;
    if (invocation_waiting(count->invocation) == 0) {
        fill(count, &usage);
        invocation_send(count->invocation, &usage.base);
    }
    timer_start(count->counts->config.loop, timer, PROGRESS_MS);
}

static void send_whole(struct count *count) {
    const struct storage *storage = &count->storage;
    size_t room = storage->entry_count + 1;
    auto_(mem_freep) char *path = print_name(count->path + strlen(count->root));
    Roost__V1__StorageEntry *entries = mem_new_array(room, sizeof(*entries));
    Roost__V1__StorageEntry **pointers = mem_new_array(room, sizeof(*pointers));
    Roost__V1__StorageUsage usage;

    fill(count, &usage);
    usage.path = path;
    usage.done = true;
    usage.other_bytes = storage->other_bytes;
    usage.entries = pointers;
    usage.n_entries = storage->entry_count;
    for (size_t i = 0; i < storage->entry_count; i++) {
        const struct storage_entry *entry = &storage->entries[i];
        roost__v1__storage_entry__init(&entries[i]);
        entries[i].name = print_name(entry->name);
        entries[i].bytes = entry->bytes;
        entries[i].files = entry->files;
        entries[i].is_folder = entry->is_folder;
        pointers[i] = &entries[i];
    }
    invocation_send(count->invocation, &usage.base);
    for (size_t i = 0; i < storage->entry_count; i++)
        free(entries[i].name);
    free(entries);
    free(pointers);
}

static void on_end(struct task *task) {
    struct count *count = container_of(task, struct count, end);

    count->worker = worker_free(count->worker);
    count_free(count);
}

static void done(struct job *job) {
    struct count *count = container_of(job, struct count, job);
    struct invocation *invocation = count->invocation;

    timer_stop(&count->progress);
    if (invocation) {
        invocation_set_user(invocation, NULL, NULL);
        if (!count->why)
            send_whole(count);
        invocation_finish(invocation, count->why ? count->status : GRPC_OK, "%s",
                          count->why ? count->why : "");
        count->invocation = NULL;
    }
    loop_post(count->counts->config.loop, &count->end);
}

static void on_gone(struct invocation *invocation, void *user) {
    struct count *count = user;

    count->invocation = NULL;
    atomic_store(&count->storage.cancel, true);
}

static size_t limit_of(uint32_t limit) {
    return limit == 0 ? ENTRIES_USUAL : limit > ENTRIES_MAX ? ENTRIES_MAX : limit;
}

void usage_storage_begin(struct usage_storage *counts,
                         struct invocation *invocation,
                         const ProtobufCMessage *message,
                         bool is_operator) {
    const Roost__V1__StorageUsageRequest *request =
        (const Roost__V1__StorageUsageRequest *)message;

    if (*request->path &&
        (*request->path != '/' || strlen(request->path) > PATH_LEN_MAX)) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "path: say a whole one, from / on");
        return;
    }
    if (counts->count >= COUNTS_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "%d folders are being counted on this host: try again later",
                          COUNTS_MAX);
        return;
    }
    struct count *count = mem_new(sizeof(*count));
    count->job = (struct job) { .run = run, .done = done };
    count->counts = counts;
    count->invocation = invocation;
    count->progress.fire = send_progress;
    count->end.run = on_end;
    count->root = counts->config.root;
    count->user = mem_strdup(request->user);
    count->path = mem_strdup(request->path);
    count->is_operator = is_operator;
    count->storage.limit = limit_of(request->limit);
    list_add_tail(&counts->counts, &count->node);
    counts->count++;
    invocation_set_user(invocation, count, on_gone);
    timer_start(counts->config.loop, &count->progress, PROGRESS_MS);
    count->worker = worker_new(counts->config.loop, "storage", 1);
    worker_add(count->worker, &count->job);
}
