#include "chat/look/look_usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/look/look_folders.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_pages.h"
#include "chat/look/look_text.h"
#include "chat/values/look_values.h"
#include "roost/v1/usage.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    ASKED = 0,
    PER_PAGE = 15,
    NAME_MAX_SHOWN = 20,
    LOGIN_MAX_SHOWN = 60,
    PORT_MAX = 65535,
    FULL_PERCENT = 90,
};

static void add_menu(struct turn *turn, struct view *view, const char *chosen) {
    static const struct {
        const char *word;
        const char *label; /* English */
    } kinds[] = {
        { "users", "Users" }, { "disks", "Disks" },  { "folders", "Folders" },
        { "gpu", "GPU" },     { "quota", "Quotas" },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool is_chosen = strcmp(chosen, kinds[i].word) == 0;
        auto_(mem_freep) char *label =
            mem_printf("%s%s", is_chosen ? "• " : "", turn_say(turn, kinds[i].label));
        if (i % 3 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, label, "usage %s %s", turn_node(turn),
                    kinds[i].word);
    }
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", turn_node(turn));
}

/* --- users --- */

static void add_user(struct view *view, const Roost__V1__UserUsage *user) {
    auto_(mem_freep) char *name = look_text_cut(user->user, NAME_MAX_SHOWN);
    char cpu[LOOK_TEXT_LEN];
    char memory[LOOK_TEXT_LEN];
    char processes[LOOK_TEXT_LEN];
    const char *const cells[] = { name, look_text_percent(user->cpu_percent, cpu),
                                  look_text_bytes((double)user->rss_bytes, memory),
                                  processes };

    snprintf(processes, sizeof(processes), "%" PRIu32, user->processes);
    view_cells(view, cells);
}

/* "ada: pts/0 from 192.0.2.7, tty1" of each who is logged in. */
static void add_logins(struct view *view,
                       const struct turn *turn,
                       const Roost__V1__UsersUsageResponse *usage) {
    struct buf lines = { 0 };

    for (size_t i = 0; i < usage->n_users; i++)
        for (size_t k = 0; k < usage->users[i]->n_logins; k++) {
            const Roost__V1__Login *login = usage->users[i]->logins[k];
            char ago[LOOK_TEXT_LEN];
            if (lines.len > 0)
                buf_add_byte(&lines, '\n');
            look_text_add(&lines, usage->users[i]->user, NAME_MAX_SHOWN);
            buf_add_text(&lines, ": ");
            look_text_add(&lines, login->terminal, NAME_MAX_SHOWN);
            if (login->host[0] != '\0') {
                buf_add_text(&lines, " ← ");
                look_text_add(&lines, login->host, LOGIN_MAX_SHOWN);
            }
            if (login->since)
                buf_printf(&lines, ", %s",
                           look_text_ago(turn, timestamp_get(login->since), ago));
        }
    if (lines.len > 0)
        view_text(view, "%s\n%s", turn_say(turn, "Logged in:"), buf_text(&lines));
    buf_done(&lines);
}

static void on_users(struct turn *turn, struct look_gather *gather) {
    if (look_gather_fail(gather, turn, ASKED, turn_say(turn, "Look at the usage")))
        return;
    const Roost__V1__UsersUsageResponse *usage =
        (const Roost__V1__UsersUsageResponse *)gather->slots[ASKED].reply;
    struct look_pages pages = look_pages_of(turn, usage->n_users, PER_PAGE);
    auto_(mem_freep) char *action = mem_printf("usage %s users", turn_node(turn));
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Users of %s"), turn_node(turn));
    view_table(view, turn_say(turn, "User"), turn_say(turn, "CPU"), turn_say(turn, "RAM"),
               turn_say(turn, "Processes"), (char *)NULL);
    for (size_t i = pages.first; i < pages.end; i++)
        add_user(view, usage->users[i]);
    add_logins(view, turn, usage);
    look_pages_add(&pages, view, action);
    add_menu(turn, view, "users");
    turn_show(turn, view);
}

/* --- disks --- */

static void add_size(const Roost__V1__NodeValues *values,
                     const char *metric,
                     const char *mount,
                     char ret_text[static LOOK_TEXT_LEN]) {
    double bytes;

    ret_text[0] = '\0';
    if (look_values_find_part(values, metric, mount, &bytes))
        look_text_bytes(bytes, ret_text);
}

static void add_disk(struct view *view,
                     const Roost__V1__NodeValues *values,
                     const char *mount,
                     double percent) {
    auto_(mem_freep) char *name = look_text_cut(mount, NAME_MAX_SHOWN);
    char share[LOOK_TEXT_LEN + 8];
    char text[LOOK_TEXT_LEN];
    char used[LOOK_TEXT_LEN];
    char total[LOOK_TEXT_LEN];
    const char *const cells[] = { name, share, used, total };

    snprintf(share, sizeof(share), "%s%s", look_text_percent(percent, text),
             percent >= FULL_PERCENT ? " !" : "");
    add_size(values, "disk.used", mount, used);
    add_size(values, "disk.total", mount, total);
    view_cells(view, cells);
}

static void on_disks(struct turn *turn, struct look_gather *gather) {
    static const char prefix[] = "disk:";
    if (look_gather_fail(gather, turn, ASKED, turn_say(turn, "Look at the usage")))
        return;
    const Roost__V1__NodeValues *values = look_values_of(
        (const Roost__V1__LatestResponse *)gather->slots[ASKED].reply, turn_node(turn));
    struct view *view = view_new();
    size_t count = 0;

    view_title(view, turn_say(turn, "Disks of %s"), turn_node(turn));
    for (size_t i = 0; values && i < values->n_values; i++) {
        const char *name = values->values[i]->key;
        if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
            continue;
        if (count++ == 0)
            view_table(view, turn_say(turn, "Disk"), turn_say(turn, "Full"),
                       turn_say(turn, "Used"), turn_say(turn, "Size"), (char *)NULL);
        add_disk(view, values, name + sizeof(prefix) - 1, values->values[i]->value);
    }
    if (count == 0)
        view_text(view, "%s", turn_say(turn, "No values yet."));
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Chart"), "chart %s disk:* 7d",
                turn_node(turn));
    add_menu(turn, view, "disks");
    turn_show(turn, view);
}

/* --- graphics --- */

static void add_gpu_process(struct view *view, const Roost__V1__GpuProcess *process) {
    auto_(mem_freep) char *name = look_text_cut(process->name, NAME_MAX_SHOWN);
    auto_(mem_freep) char *user = look_text_cut(process->user, NAME_MAX_SHOWN);
    char pid[LOOK_TEXT_LEN];
    char memory[LOOK_TEXT_LEN];
    char share[LOOK_TEXT_LEN] = "";
    const char *const cells[] = { process->gpu, pid, name, user, memory, share };

    snprintf(pid, sizeof(pid), "%" PRIu32, process->pid);
    look_text_bytes((double)process->memory_bytes, memory);
    if (process->gpu_percent_known_case ==
        ROOST__V1__GPU_PROCESS__GPU_PERCENT_KNOWN_GPU_PERCENT)
        look_text_percent(process->gpu_percent, share);
    view_cells(view, cells);
}

static void on_gpu(struct turn *turn, struct look_gather *gather) {
    if (look_gather_fail(gather, turn, ASKED, turn_say(turn, "Look at the usage")))
        return;
    const Roost__V1__GpuUsageResponse *usage =
        (const Roost__V1__GpuUsageResponse *)gather->slots[ASKED].reply;
    struct look_pages pages = look_pages_of(turn, usage->n_processes, PER_PAGE);
    auto_(mem_freep) char *action = mem_printf("usage %s gpu", turn_node(turn));
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Graphics of %s"), turn_node(turn));
    if (usage->n_processes == 0)
        view_text(view, "%s", turn_say(turn, "No process uses a graphics processor."));
    else
        view_table(view, "GPU", "PID", turn_say(turn, "Name"), turn_say(turn, "User"),
                   "VRAM", turn_say(turn, "Busy"), (char *)NULL);
    for (size_t i = pages.first; i < pages.end; i++)
        add_gpu_process(view, usage->processes[i]);
    look_pages_add(&pages, view, action);
    add_menu(turn, view, "gpu");
    turn_show(turn, view);
}

/* --- quotas --- */

static void add_quota(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__Quota *quota) {
    auto_(mem_freep) char *mount = look_text_cut(quota->mount, NAME_MAX_SHOWN);
    char used[LOOK_TEXT_LEN];
    char soft[LOOK_TEXT_LEN];
    char hard[LOOK_TEXT_LEN];
    const char *none = turn_say(turn, "none");
    const char *const cells[] = {
        mount,
        look_text_bytes((double)quota->used_bytes, used),
        quota->soft_bytes ? look_text_bytes((double)quota->soft_bytes, soft) : none,
        quota->hard_bytes ? look_text_bytes((double)quota->hard_bytes, hard) : none,
    };

    view_cells(view, cells);
}

static void on_quota(struct turn *turn, struct look_gather *gather) {
    if (look_gather_fail(gather, turn, ASKED, turn_say(turn, "Look at the usage")))
        return;
    const Roost__V1__QuotaResponse *usage =
        (const Roost__V1__QuotaResponse *)gather->slots[ASKED].reply;
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Quotas of %s"), turn_node(turn));
    if (usage->n_quotas == 0)
        view_text(view, "%s", turn_say(turn, "There are no quotas."));
    else
        view_table(view, turn_say(turn, "Disk"), turn_say(turn, "Used"),
                   turn_say(turn, "Soft"), turn_say(turn, "Hard"), (char *)NULL);
    for (size_t i = 0; i < usage->n_quotas && i < PER_PAGE; i++)
        add_quota(view, turn, usage->quotas[i]);
    add_menu(turn, view, "quota");
    turn_show(turn, view);
}

/* --- usage NODE KIND --- */

static void ask(struct turn *turn,
                const char *node,
                const char *method,
                const ProtobufCMessage *request,
                void (*on_all)(struct turn *turn, struct look_gather *gather)) {
    struct look_gather *gather = turn_state(turn, sizeof(*gather), look_gather_done);

    look_gather_start(gather, on_all);
    look_gather_call(gather, turn, ASKED, node, method, request);
}

static void ask_users(struct turn *turn) {
    Roost__V1__UsersUsageRequest request = ROOST__V1__USERS_USAGE_REQUEST__INIT;
    ask(turn, turn_node(turn), "/roost.v1.Usage/Users", &request.base, on_users);
}

static void ask_disks(struct turn *turn) {
    Roost__V1__LatestRequest request = ROOST__V1__LATEST_REQUEST__INIT;

    request.select = pb_lend(turn_node(turn));
    ask(turn, NULL, "/roost.v1.Metrics/Latest", &request.base, on_disks);
}

static void ask_gpu(struct turn *turn) {
    Roost__V1__GpuUsageRequest request = ROOST__V1__GPU_USAGE_REQUEST__INIT;
    ask(turn, turn_node(turn), "/roost.v1.Usage/Gpu", &request.base, on_gpu);
}

static void ask_quota(struct turn *turn) {
    Roost__V1__QuotaRequest request = ROOST__V1__QUOTA_REQUEST__INIT;
    const char *user = turn_word(turn, 1);

    request.user = pb_lend(user);
    ask(turn, turn_node(turn), "/roost.v1.Usage/Quota", &request.base, on_quota);
}

static void ask_folders(struct turn *turn) {
    look_folders_run(turn, turn_word(turn, 1) ? turn_word(turn, 1) : "");
}

void look_usage_run(struct turn *turn) {
    static const struct {
        const char *word;
        void (*run)(struct turn *turn);
    } kinds[] = {
        { "users", ask_users },     { "disks", ask_disks },    { "disk", ask_disks },
        { "folders", ask_folders }, { "folder", ask_folders }, { "gpu", ask_gpu },
        { "quota", ask_quota },     { "quotas", ask_quota },
    };
    const char *word = turn_word(turn, 0) ? turn_word(turn, 0) : "users";

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcasecmp(word, kinds[i].word) == 0) {
            kinds[i].run(turn);
            return;
        }
    turn_complain(turn, "%s",
                  turn_say(turn, "Usage of what? users, disks, folders, gpu or quota."));
}

/* --- ports --- */

static void on_port(struct turn *turn, struct look_gather *gather) {
    if (look_gather_fail(gather, turn, ASKED, turn_say(turn, "Look for a free port")))
        return;
    uint32_t port =
        ((const Roost__V1__FreePortResponse *)gather->slots[ASKED].reply)->port;
    auto_(mem_freep) char *text = mem_printf("%" PRIu32, port);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "A free port of %s: %u"), turn_node(turn), port);
    view_note(view, "%s", turn_say(turn, "Nobody listens on it now."));
    view_copy(view, turn_say(turn, "Copy"), text);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Another one"), "port %s %s",
                turn_node(turn), turn_word(turn, 0) ? turn_word(turn, 0) : "");
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s", turn_node(turn));
    turn_show(turn, view);
}

/* "8000-8999", or "8000" alone. */
static bool read_range(const char *word, Roost__V1__FreePortRequest *request) {
    size_t len = strcspn(word, "-");
    auto_(mem_freep) char *first = mem_dup(word, len);
    uint64_t from;
    uint64_t to;

    if (!look_text_number(first, &from))
        return false;
    if (word[len] == '\0')
        to = from;
    else if (!look_text_number(word + len + 1, &to))
        return false;
    request->first = (uint32_t)from;
    request->last = (uint32_t)to;
    return from > 0 && from <= to && to <= PORT_MAX;
}

void look_usage_port(struct turn *turn) {
    Roost__V1__FreePortRequest request = ROOST__V1__FREE_PORT_REQUEST__INIT;

    if (turn_word(turn, 0) && !read_range(turn_word(turn, 0), &request)) {
        turn_complain(turn, "%s",
                      turn_say(turn, "Between which ports? For example 8000-8999."));
        return;
    }
    ask(turn, turn_node(turn), "/roost.v1.Usage/FreePort", &request.base, on_port);
}
