#include "chat/look/look_process.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "chat/look/look_gather.h"
#include "chat/look/look_text.h"
#include "roost/v1/processes.pb-c.h"
#include "wire/timestamp.h"

enum {
    GET = 0,
    NAME_MAX_SHOWN = 64,
    PATH_MAX_SHOWN = 200,
    COMMAND_MAX_SHOWN = 1000,
};

static const struct {
    char letter;
    const char *words; /* English */
} states[] = {
    { 'R', "running" },
    { 'S', "sleeping" },
    { 'D', "waiting for a disk" },
    { 'T', "paused" },
    { 't', "held by a debugger" },
    { 'Z', "ended, not collected" },
    { 'X', "ended" },
    { 'I', "idle" },
};

static const char *find_state(const struct turn *turn, const char *letter) {
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (letter[0] == states[i].letter)
            return turn_say(turn, states[i].words);
    return letter;
}

/* A text of the host, if there is one. */
static void add_text(struct view *view, const char *label, const char *text) {
    auto_(mem_freep) char *cut = look_text_cut(text, PATH_MAX_SHOWN);

    if (cut[0] != '\0')
        view_field(view, label, "%s", cut);
}

static void add_use(struct view *view,
                    const struct turn *turn,
                    const Roost__V1__Process *process) {
    char text[LOOK_TEXT_LEN];
    char read[LOOK_TEXT_LEN];
    char written[LOOK_TEXT_LEN];
    double cpu_s = process->user_s + process->system_s;

    if (process->cpu_percent_known_case ==
        ROOST__V1__PROCESS__CPU_PERCENT_KNOWN_CPU_PERCENT)
        view_field(view, "CPU", turn_say(turn, "%s of one core"),
                   look_text_percent(process->cpu_percent, text));
    view_field(view, turn_say(turn, "CPU time"), "%s",
               look_text_duration(turn, (int64_t)(cpu_s * 1000), text));
    view_field(view, turn_say(turn, "RAM"), "%s",
               look_text_bytes((double)process->rss_bytes, text));
    if (process->swap_bytes_known_case ==
            ROOST__V1__PROCESS__SWAP_BYTES_KNOWN_SWAP_BYTES &&
        process->swap_bytes > 0)
        view_field(view, turn_say(turn, "Swap"), "%s",
                   look_text_bytes((double)process->swap_bytes, text));
    if (process->read_bytes_known_case ==
            ROOST__V1__PROCESS__READ_BYTES_KNOWN_READ_BYTES &&
        process->write_bytes_known_case ==
            ROOST__V1__PROCESS__WRITE_BYTES_KNOWN_WRITE_BYTES)
        view_field(view, turn_say(turn, "Disk"), turn_say(turn, "read %s, written %s"),
                   look_text_bytes((double)process->read_bytes, read),
                   look_text_bytes((double)process->write_bytes, written));
    if (process->open_files_known_case == ROOST__V1__PROCESS__OPEN_FILES_KNOWN_OPEN_FILES)
        view_field(view, turn_say(turn, "Open files"), "%" PRIu32, process->open_files);
}

static void add_facts(struct view *view,
                      const struct turn *turn,
                      const Roost__V1__Process *process) {
    char text[LOOK_TEXT_LEN];
    char ago[LOOK_TEXT_LEN];
    int64_t started_ms = timestamp_get(process->started);

    view_field(view, turn_say(turn, "State"), "%s", find_state(turn, process->state));
    add_text(view, turn_say(turn, "User"), process->user);
    add_use(view, turn, process);
    view_field(view, turn_say(turn, "Threads"), "%" PRIu32, process->threads);
    if (process->nice != 0)
        view_field(view, turn_say(turn, "Niceness"), "%" PRId32, process->nice);
    if (started_ms > 0)
        view_field(view, turn_say(turn, "Started"), "%s (%s)",
                   look_text_clock(turn, started_ms, text),
                   look_text_ago(turn, started_ms, ago));
    view_field(view, turn_say(turn, "Parent"), "%" PRIu32, process->parent_pid);
    add_text(view, turn_say(turn, "Service"), process->unit);
    add_text(view, turn_say(turn, "Terminal"), process->terminal);
    add_text(view, turn_say(turn, "Program"), process->executable);
    add_text(view, turn_say(turn, "Folder"), process->working_folder);
    if (process->command_line[0] != '\0') {
        auto_(mem_freep) char *command =
            look_text_cut(process->command_line, COMMAND_MAX_SHOWN);
        view_code(view, command);
    }
    if (!process->safe_kill && process->unsafe_reason[0] != '\0') {
        auto_(mem_freep) char *reason =
            look_text_cut(process->unsafe_reason, PATH_MAX_SHOWN);
        view_note(view, "⚠ %s", reason);
    }
}

static void add_act(struct view *view,
                    const struct turn *turn,
                    const Roost__V1__Process *process,
                    enum view_style style,
                    const char *label,
                    const char *verb) {
    view_button(view, style, label, "%s %s %" PRIu32 " --start %" PRIu64, verb,
                turn_node(turn), process->pid, process->start_ticks);
}

static void add_buttons(struct view *view,
                        const struct turn *turn,
                        const Roost__V1__Process *process) {
    const char *node = turn_node(turn);
    bool is_paused = process->state[0] == 'T';

    if (turn_role(turn) >= ACTOR_OPERATOR && !process->is_kernel_thread) {
        add_act(view, turn, process, VIEW_DANGER, turn_say(turn, "Kill…"), "kill");
        add_act(view, turn, process, VIEW_PLAIN,
                is_paused ? turn_say(turn, "Resume…") : turn_say(turn, "Pause…"),
                is_paused ? "resume" : "pause");
    }
    if (process->unit[0] != '\0') {
        struct buf unit = { 0 };
        view_quote(&unit, process->unit);
        view_row(view);
        view_button(view, VIEW_PLAIN, turn_say(turn, "Service"), "service %s %s", node,
                    buf_text(&unit));
        view_button(view, VIEW_PLAIN, turn_say(turn, "Logs"), "logs %s %s", node,
                    buf_text(&unit));
        buf_done(&unit);
    }
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Refresh"),
                "process %s %" PRIu32 " %" PRIu64, node, process->pid,
                process->start_ticks);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Processes"), "top %s", node);
}

/* It has ended, or its number is another one's by now. */
static void show_gone(struct turn *turn) {
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Process %s of %s"), turn_word(turn, 0),
               turn_node(turn));
    view_text(view, "%s", turn_say(turn, "It is not there any more."));
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Processes"), "top %s",
                turn_node(turn));
    turn_show(turn, view);
}

static void on_process(struct turn *turn, struct look_gather *gather) {
    const Roost__V1__Process *process =
        (const Roost__V1__Process *)gather->slots[GET].reply;

    if (!process && gather->slots[GET].status == GRPC_NOT_FOUND) {
        show_gone(turn);
        return;
    }
    if (look_gather_fail(gather, turn, GET, turn_say(turn, "Look at a process")) ||
        !process)
        return;
    auto_(mem_freep) char *name = look_text_cut(process->name, NAME_MAX_SHOWN);
    struct view *view = view_new();
    view_title(view, turn_say(turn, "%s (%u) of %s"), name, process->pid,
               turn_node(turn));
    add_facts(view, turn, process);
    add_buttons(view, turn, process);
    turn_show(turn, view);
}

void look_process_run(struct turn *turn) {
    Roost__V1__GetProcessRequest request = ROOST__V1__GET_PROCESS_REQUEST__INIT;
    uint64_t pid = 0;
    uint64_t start = 0;

    if (!turn_word(turn, 0)) {
        struct view *view = view_new();
        view_text(view, "%s", turn_say(turn, "Which process? Write its number."));
        view_button(view, VIEW_PLAIN, turn_say(turn, "Processes"), "top %s",
                    turn_node(turn));
        turn_ask(turn, view, "process %s", turn_node(turn));
        return;
    }
    if (!look_text_number(turn_word(turn, 0), &pid) || pid == 0 || pid > UINT32_MAX ||
        (turn_word(turn, 1) && !look_text_number(turn_word(turn, 1), &start))) {
        turn_complain(turn, "%s",
                      turn_say(turn, "A process has a number, for example 1234."));
        return;
    }
    struct look_gather *gather = turn_state(turn, sizeof(*gather), look_gather_done);
    request.pid = (uint32_t)pid;
    request.start_ticks = start;
    look_gather_start(gather, on_process);
    look_gather_call(gather, turn, GET, turn_node(turn), "/roost.v1.Processes/Get",
                     &request.base);
}
