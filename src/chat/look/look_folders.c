#include "chat/look/look_folders.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/look/look_text.h"
#include "chat/turn/turn.h"
#include "roost/v1/usage.pb-c.h"
#include "wire/pb.h"

enum {
    ENTRIES = 12,
    NAME_MAX_SHOWN = 28,
    LABEL_MAX = 18,
    PATH_MAX_SHOWN = 80,
    A_ROW = 2,
    COUNT_MS = 5 * 60000, /* then nobody waits any more */
};

struct counting {
    bool is_done;
};

static void add_sum(struct view *view,
                    const struct turn *turn,
                    const Roost__V1__StorageUsage *usage) {
    char size[LOOK_TEXT_LEN];

    view_text(view, turn_say(turn, "%s in %llu files and %llu folders"),
              look_text_bytes((double)usage->bytes, size),
              (unsigned long long)usage->files, (unsigned long long)usage->folders);
    if (usage->unreadable > 0)
        view_note(view, turn_say(turn, "Folders that could not be read: %llu"),
                  (unsigned long long)usage->unreadable);
    if (usage->skipped_mounts > 0)
        view_note(view, turn_say(turn, "Other file systems in it are not counted: %u"),
                  usage->skipped_mounts);
}

/* path "": it is not known before the count ends. */
static void add_title(struct view *view, const struct turn *turn, const char *path) {
    auto_(mem_freep) char *cut = look_text_cut(
        path[0] != '\0' ? path : turn_say(turn, "home folder"), PATH_MAX_SHOWN);
    view_title(view, "%s: %s", turn_node(turn), cut);
}

static void add_entries(struct view *view,
                        const struct turn *turn,
                        const Roost__V1__StorageUsage *usage) {
    char size[LOOK_TEXT_LEN];
    char share[LOOK_TEXT_LEN];

    if (usage->n_entries == 0) {
        view_text(view, "%s", turn_say(turn, "There is nothing in it."));
        return;
    }
    view_table(view, turn_say(turn, "Name"), turn_say(turn, "Size"),
               turn_say(turn, "Share"), (char *)NULL);
    for (size_t i = 0; i < usage->n_entries && i < ENTRIES; i++) {
        const Roost__V1__StorageEntry *entry = usage->entries[i];
        auto_(mem_freep) char *cut = look_text_cut(entry->name, NAME_MAX_SHOWN);
        auto_(mem_freep) char *name =
            mem_printf("%s%s", cut, entry->is_folder ? "/" : "");
        double percent =
            usage->bytes > 0 ? 100 * (double)entry->bytes / (double)usage->bytes : 0;
        const char *const cells[] = { name, look_text_bytes((double)entry->bytes, size),
                                      look_text_percent(percent, share) };
        view_cells(view, cells);
    }
}

/* "/srv" of "/srv/media"; NULL of "/". A new string. */
static char *parent_of(const char *path) {
    const char *slash = strrchr(path, '/');

    if (!slash || strcmp(path, "/") == 0)
        return NULL;
    return mem_dup(path, slash == path ? 1 : (size_t)(slash - path));
}

static void add_folder(struct view *view,
                       const struct turn *turn,
                       const char *label,
                       const char *path) {
    struct buf word = { 0 };

    view_quote(&word, path);
    view_button(view, VIEW_PLAIN, label, "usage %s folders %s", turn_node(turn),
                buf_text(&word));
    buf_done(&word);
}

static void add_buttons(struct view *view,
                        const struct turn *turn,
                        const Roost__V1__StorageUsage *usage) {
    auto_(mem_freep) char *parent = parent_of(usage->path);
    size_t count = 0;

    for (size_t i = 0; i < usage->n_entries && i < ENTRIES; i++) {
        const Roost__V1__StorageEntry *entry = usage->entries[i];
        const char *slash = strcmp(usage->path, "/") == 0 ? "" : "/";
        if (!entry->is_folder)
            continue;
        auto_(mem_freep) char *path =
            mem_printf("%s%s%s", usage->path, slash, entry->name);
        auto_(mem_freep) char *label = look_text_cut(entry->name, LABEL_MAX);
        if (count++ % A_ROW == 0)
            view_row(view);
        add_folder(view, turn, label, path);
    }
    view_row(view);
    if (parent)
        add_folder(view, turn, turn_say(turn, "Up"), parent);
    add_folder(view, turn, turn_say(turn, "Refresh"), usage->path);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "usage %s", turn_node(turn));
}

static bool on_usage(struct turn *turn, void *arg, const ProtobufCMessage *message) {
    const Roost__V1__StorageUsage *usage = (const Roost__V1__StorageUsage *)message;
    struct counting *counting = arg;
    struct view *view = view_new();

    add_title(view, turn, usage->path);
    add_sum(view, turn, usage);
    if (!usage->done) {
        view_note(view, "%s", turn_say(turn, "It is still being counted."));
        view_button(view, VIEW_PLAIN, turn_say(turn, "Stop"), "usage %s",
                    turn_node(turn));
        turn_progress(turn, view);
        return true;
    }
    counting->is_done = true;
    add_entries(view, turn, usage);
    add_buttons(view, turn, usage);
    turn_show(turn, view);
    return false;
}

static void on_end(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message) {
    const struct counting *counting = arg;

    if (!counting->is_done)
        turn_fail(turn, status == GRPC_OK ? GRPC_INTERNAL : status, message,
                  turn_say(turn, "Count a folder"));
}

static void on_enough(struct turn *turn, void *arg) {
    (void)arg;
    turn_fail(turn, GRPC_DEADLINE_EXCEEDED, turn_say(turn, "it takes too long"),
              turn_say(turn, "Count a folder"));
}

void look_folders_run(struct turn *turn, const char *path) {
    static const struct turn_stream_events events = { on_usage, on_end };
    struct counting *counting = turn_state(turn, sizeof(*counting), NULL);
    Roost__V1__StorageUsageRequest request = ROOST__V1__STORAGE_USAGE_REQUEST__INIT;

    request.path = pb_lend(path);
    request.limit = ENTRIES;
    turn_stream(turn, turn_node(turn), "/roost.v1.Usage/Storage", &request.base, &events,
                counting);
    turn_later(turn, COUNT_MS, on_enough, NULL);
}
