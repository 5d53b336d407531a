#include "chat/act/act_processes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "roost/v1/processes.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    LISTED_MAX = 12, /* buttons of processes */
    FOUND_MAX = 500,
    LINE_MAX_BYTES = 300, /* of a command line */
    NAME_MAX_BYTES = 60,
    LOOK_MS = 250,  /* between two looks at the CPU */
    AFTER_MS = 700, /* until it is looked at again */
    AFTER_LOOKS = 8,
};

struct killing {
    struct act_state act;
    char *command; /* owned: "kill" */
    char *object;  /* owned: what was asked for */
    char *signal;  /* owned: "TERM" */
    char *name;    /* owned: "nginx (812)" */
    uint64_t start_ticks;
    uint32_t pid;
    unsigned looks;
};

static void end_killing(void *state) {
    struct killing *killing = state;

    act_call_done(&killing->act);
    free(killing->command);
    free(killing->object);
    free(killing->signal);
    free(killing->name);
}

/* What a signal does, for the person who is to confirm it. */
static const struct effect {
    const char *signal;
    const char *text;
} effects[] = {
    { "TERM", "It is asked to end (SIGTERM)." },
    { "INT", "It is interrupted, as by Ctrl-C (SIGINT); most programs end." },
    { "QUIT", "It ends and leaves a memory dump (SIGQUIT)." },
    { "KILL", "It ends at once (SIGKILL); what it has not saved is lost." },
    { "HUP", "Its terminal is gone (SIGHUP): services mostly read their settings anew, "
             "others end." },
    { "STOP", "It stands still until it is resumed (SIGSTOP)." },
    { "CONT", "It goes on (SIGCONT)." },
};

static const struct effect *find_effect(const char *signal) {
    for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++)
        if (strcasecmp(signal, effects[i].signal) == 0)
            return &effects[i];
    return NULL;
}

static const char *drop_prefix(const char *signal) {
    return strncasecmp(signal, "SIG", 3) == 0 ? signal + 3 : signal;
}

/* "TERM", "Hup", "SIGUSR1", "9"; nothing else is a signal's name. */
static bool is_signal(const char *text) {
    size_t len = strlen(text);

    return len > 0 && len <= 16 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"
                        "-") == len &&
           text[0] != '-';
}

static char *back_of(const struct turn *turn) {
    return mem_printf("ps %s", turn_node(turn));
}

/* --- who is meant --- */

static void add_button(struct view *view,
                       const struct killing *killing,
                       const struct turn *turn,
                       const Roost__V1__Process *process) {
    auto_(mem_freep) char *name = act_text_cut(process->name, NAME_MAX_BYTES);
    auto_(mem_freep) char *label = mem_printf("%s (%u)", name, process->pid);
    bool is_kill = strcmp(killing->command, "kill") == 0;

    view_button(view, VIEW_PLAIN, label, "%s %s %u%s%s --start %" PRIu64,
                killing->command, turn_node(turn), process->pid, is_kill ? " " : "",
                is_kill ? killing->signal : "", process->start_ticks);
    view_row(view);
}

static void add_cells(struct view *view, const Roost__V1__Process *process) {
    auto_(mem_freep) char *pid = mem_printf("%u", process->pid);
    auto_(mem_freep) char *line = act_text_cut(
        process->command_line[0] ? process->command_line : process->name, 60);
    auto_(mem_freep) char *cpu = process->cpu_percent_known_case
                                     ? mem_printf("%.1f %%", process->cpu_percent)
                                     : mem_strdup("");
    char memory[ACT_TEXT_LEN];

    act_text_bytes(process->rss_bytes, memory);
    view_cells(view, (const char *const[]) { pid, process->user, cpu, memory, line });
}

static void show_choice(struct turn *turn,
                        const struct killing *killing,
                        Roost__V1__Process *const *processes,
                        size_t count,
                        const char *title) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();
    size_t shown = count < LISTED_MAX ? count : LISTED_MAX;

    view_title(view, "%s", title);
    view_table(view, "PID", turn_say(turn, "user"), "CPU", turn_say(turn, "memory"),
               turn_say(turn, "command"), (char *)NULL);
    for (size_t i = 0; i < shown; i++)
        add_cells(view, processes[i]);
    if (shown < count)
        view_note(view, turn_say(turn, "and %zu more: give a number"), count - shown);
    for (size_t i = 0; i < shown; i++)
        add_button(view, killing, turn, processes[i]);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void add_effect(struct turn *turn, struct view *view, const char *signal) {
    const struct effect *effect = find_effect(signal);

    if (effect)
        view_text(view, "%s", turn_say(turn, effect->text));
    else
        view_text(view, turn_say(turn, "It gets the signal %s."), signal);
}

static void add_facts(struct turn *turn,
                      struct view *view,
                      const Roost__V1__Process *process) {
    auto_(mem_freep) char *name = act_text_cut(process->name, NAME_MAX_BYTES);
    char since[ACT_TEXT_LEN], memory[ACT_TEXT_LEN];

    view_field(view, turn_say(turn, "Host"), "%s", turn_node(turn));
    view_field(view, turn_say(turn, "Process"), "%s (%u)", name, process->pid);
    view_field(view, turn_say(turn, "User"), "%s", process->user);
    act_text_since(turn, timestamp_get(process->started), since);
    if (since[0])
        view_field(view, turn_say(turn, "Runs for"), "%s", since);
    act_text_bytes(process->rss_bytes, memory);
    view_field(view, turn_say(turn, "Memory"), "%s", memory);
    if (process->unit[0])
        view_field(view, turn_say(turn, "Service"), "%s", process->unit);
    if (process->command_line[0]) {
        auto_(mem_freep) char *line = act_text_cut(process->command_line, LINE_MAX_BYTES);
        view_code(view, line);
    }
}

static const char *red_label(const struct turn *turn, const struct killing *killing) {
    if (strcmp(killing->command, "pause") == 0)
        return turn_say(turn, "yes, pause it");
    if (strcmp(killing->command, "resume") == 0)
        return turn_say(turn, "yes, resume it");
    return strcasecmp(killing->signal, "KILL") == 0 ? turn_say(turn, "yes, kill it")
                                                    : turn_say(turn, "yes, signal it");
}

/* The second screen: the very process that is shown is signalled, or none. */
static void show_confirm(struct turn *turn,
                         const struct killing *killing,
                         const Roost__V1__Process *process) {
    bool is_kill = strcmp(killing->command, "kill") == 0;
    bool is_safe = process->safe_kill || strcasecmp(killing->signal, "CONT") == 0;
    bool is_forced = turn_flag(turn, "force") || !is_safe;
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "⚠️ Signal a process of %s?"), turn_node(turn));
    add_facts(turn, view, process);
    add_effect(turn, view, killing->signal);
    if (!is_safe)
        view_text(view, turn_say(turn, "Better not: %s."), process->unsafe_reason);
    view_confirm(view, VIEW_DANGER,
                 is_safe ? red_label(turn, killing)
                         : turn_say(turn, "yes, in spite of that"),
                 "%s %s %u%s%s --start %" PRIu64 "%s%s", killing->command,
                 turn_node(turn), process->pid, is_kill ? " " : "",
                 is_kill ? killing->signal : "", process->start_ticks,
                 turn_flag(turn, "tree") ? " --tree" : "", is_forced ? " --force" : "");
    view_row(view);
    if (is_kill && strcasecmp(killing->signal, "TERM") == 0) {
        view_button(view, VIEW_PLAIN, turn_say(turn, "kill at once…"),
                    "kill %s %u KILL --start %" PRIu64, turn_node(turn), process->pid,
                    process->start_ticks);
        view_button(view, VIEW_PLAIN, turn_say(turn, "pause…"),
                    "pause %s %u --start %" PRIu64, turn_node(turn), process->pid,
                    process->start_ticks);
    }
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void on_found(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    auto_(mem_freep) char *back = back_of(turn);
    const struct killing *killing = arg;

    if (status == GRPC_OK) {
        show_confirm(turn, killing, (const Roost__V1__Process *)reply);
        return;
    }
    auto_(mem_freep) char *what = mem_printf("%s: %s", turn_node(turn), killing->object);
    act_call_fail(turn, status, message, what, NULL, back);
}

static void find_pid(struct turn *turn, struct killing *killing) {
    Roost__V1__GetProcessRequest request = ROOST__V1__GET_PROCESS_REQUEST__INIT;

    request.pid = killing->pid;
    request.start_ticks = killing->start_ticks;
    turn_call(turn, turn_node(turn), "/roost.v1.Processes/Get", &request.base, on_found,
              killing);
}

/* Moves those whose whole name it is to the front; how many. */
static size_t sort_exact(Roost__V1__Process **processes, size_t count, const char *name) {
    size_t exact = 0;

    for (size_t i = 0; i < count; i++)
        if (strcmp(processes[i]->name, name) == 0) {
            Roost__V1__Process *found = processes[i];
            processes[i] = processes[exact];
            processes[exact++] = found;
        }
    return exact;
}

static void show_none(struct turn *turn, const struct killing *killing) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "No process \"%s\" on %s"), killing->object,
               turn_node(turn));
    view_text(view, "%s", turn_say(turn, "Perhaps it has ended already."));
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void on_named(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__ListProcessesResponse *list =
        (const Roost__V1__ListProcessesResponse *)reply;
    struct killing *killing = arg;

    if (status != GRPC_OK) {
        on_found(turn, arg, status, message, NULL);
        return;
    }
    size_t count = list->n_processes;
    size_t exact = sort_exact(list->processes, count, killing->object);
    if (count == 0) {
        show_none(turn, killing);
    } else if (exact == 1) {
        killing->pid = list->processes[0]->pid;
        killing->start_ticks = list->processes[0]->start_ticks;
        find_pid(turn, killing); /* which knows more of it */
    } else {
        auto_(mem_freep) char *title =
            exact > 0
                ? mem_printf(turn_say(turn, "%zu processes are called \"%s\": which?"),
                             exact, killing->object)
                : mem_printf(turn_say(turn, "No process is called \"%s\". One of "
                                            "these?"),
                             killing->object);
        show_choice(turn, killing, list->processes, exact > 0 ? exact : count, title);
    }
}

static void find_name(struct turn *turn, struct killing *killing) {
    Roost__V1__ListProcessesRequest request = ROOST__V1__LIST_PROCESSES_REQUEST__INIT;

    request.filter = killing->object;
    request.limit = FOUND_MAX;
    request.sort = ROOST__V1__PROCESS_SORT__PROCESS_SORT_CPU;
    request.look_ms = LOOK_MS;
    turn_call(turn, turn_node(turn), "/roost.v1.Processes/List", &request.base, on_named,
              killing);
}

/* --- nobody was named --- */

static void on_top(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    const Roost__V1__TopResponse *top = (const Roost__V1__TopResponse *)reply;
    auto_(mem_freep) char *back = back_of(turn);
    struct killing *killing = arg;

    if (status != GRPC_OK) {
        act_call_fail(turn, status, message, turn_node(turn), NULL, back);
        return;
    }
    struct view *view = view_new();
    view_title(view, turn_say(turn, "Which process of %s?"), turn_node(turn));
    view_text(view, "%s", turn_say(turn, "Write its name or number, or press one."));
    for (size_t i = 0; i < top->n_processes; i++)
        add_button(view, killing, turn, top->processes[i]);
    act_call_back(turn, view, back);
    turn_ask(turn, view, "%s %s", killing->command, turn_node(turn));
}

static void ask_which(struct turn *turn, struct killing *killing) {
    Roost__V1__TopRequest request = ROOST__V1__TOP_REQUEST__INIT;

    request.count = LISTED_MAX;
    turn_call(turn, turn_node(turn), "/roost.v1.Processes/Top", &request.base, on_top,
              killing);
}

/* --- the act, and what became of it --- */

static void show_outcome(struct turn *turn,
                         const struct killing *killing,
                         const char *mark,
                         const char *text,
                         bool is_left) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();

    view_title(view, "%s %s", mark, killing->act.what);
    view_text(view, "%s", text);
    if (is_left && strcmp(killing->command, "kill") == 0)
        view_button(view, VIEW_PLAIN, turn_say(turn, "kill at once…"),
                    "kill %s %u KILL --start %" PRIu64, turn_node(turn), killing->pid,
                    killing->start_ticks);
    if (strcmp(killing->command, "pause") == 0)
        view_button(view, VIEW_PLAIN, turn_say(turn, "resume…"),
                    "resume %s %u --start %" PRIu64, turn_node(turn), killing->pid,
                    killing->start_ticks);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static void look_after(struct turn *turn, void *arg);

/* Is it as the signal wants it? */
static bool has_settled(const struct killing *killing,
                        const Roost__V1__Process *process) {
    bool is_stopped = strcmp(process->state, "T") == 0;

    if (strcasecmp(killing->signal, "STOP") == 0)
        return is_stopped;
    if (strcasecmp(killing->signal, "CONT") == 0)
        return !is_stopped;
    return strcmp(process->state, "Z") == 0;
}

static const char *settled_text(const struct turn *turn, const struct killing *killing) {
    if (strcasecmp(killing->signal, "STOP") == 0)
        return turn_say(turn, "It stands still.");
    if (strcasecmp(killing->signal, "CONT") == 0)
        return turn_say(turn, "It goes on.");
    return turn_say(turn, "It has ended; its parent has not taken note yet.");
}

/* Signals that leave a process running when all is well. */
static bool leaves_it(const struct killing *killing) {
    const struct effect *effect = find_effect(killing->signal);
    return !effect || strcasecmp(killing->signal, "HUP") == 0;
}

static void on_after(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     const ProtobufCMessage *reply) {
    const Roost__V1__Process *process = (const Roost__V1__Process *)reply;
    struct killing *killing = arg;

    if (status == GRPC_NOT_FOUND)
        show_outcome(turn, killing, "✅", turn_say(turn, "It has ended."), false);
    else if (status != GRPC_OK)
        show_outcome(
            turn, killing, "✅",
            turn_say(turn, "It got the signal. What became of it cannot be seen."),
            false);
    else if (has_settled(killing, process))
        show_outcome(turn, killing, "✅", settled_text(turn, killing), false);
    else if (++killing->looks < AFTER_LOOKS && !leaves_it(killing))
        turn_later(turn, AFTER_MS, look_after, killing);
    else
        show_outcome(turn, killing, leaves_it(killing) ? "✅" : "🟡",
                     turn_say(turn, "It got the signal and still runs."),
                     !leaves_it(killing));
}

static void look_after(struct turn *turn, void *arg) {
    Roost__V1__GetProcessRequest request = ROOST__V1__GET_PROCESS_REQUEST__INIT;
    struct killing *killing = arg;

    request.pid = killing->pid;
    request.start_ticks = killing->start_ticks;
    turn_call(turn, turn_node(turn), "/roost.v1.Processes/Get", &request.base, on_after,
              killing);
}

static void on_signalled(struct turn *turn,
                         void *arg,
                         enum grpc_status status,
                         const char *message,
                         const ProtobufCMessage *reply) {
    const Roost__V1__SignalResponse *response = (const Roost__V1__SignalResponse *)reply;
    struct killing *killing = arg;
    struct view *view = view_new();

    if (response->n_processes > 0) {
        auto_(mem_freep) char *name =
            act_text_cut(response->processes[0]->name, NAME_MAX_BYTES);
        free(killing->act.what);
        killing->act.what = mem_printf("%s: %s → %s (%u)", turn_node(turn),
                                       killing->signal, name, killing->pid);
    }
    view_title(view, "⏳ %s", killing->act.what);
    view_text(view, "%s", turn_say(turn, "It got the signal."));
    turn_progress(turn, view);
    turn_later(turn, AFTER_MS, look_after, killing);
}

static void send_signal(struct turn *turn, struct killing *killing) {
    Roost__V1__SignalRequest request = ROOST__V1__SIGNAL_REQUEST__INIT;
    auto_(mem_freep) char *back = back_of(turn);
    auto_(mem_freep) char *what =
        mem_printf("%s: %s → %u", turn_node(turn), killing->signal, killing->pid);

    request.pid = killing->pid;
    request.start_ticks = killing->start_ticks;
    request.signal = killing->signal;
    request.force = turn_flag(turn, "force") != NULL;
    request.tree = turn_flag(turn, "tree") != NULL;
    request.operation_id = pb_lend(turn_operation(turn, 0));
    act_call_run(turn, &killing->act,
                 &(const struct act_call) {
                     .node = turn_node(turn),
                     .method = "/roost.v1.Processes/Signal",
                     .request = &request.base,
                     .what = what,
                     .back = back,
                     .on_reply = on_signalled,
                     .arg = killing,
                 });
}

static void run(struct turn *turn, const char *command, const char *signal) {
    const char *object = turn_word(turn, 0);
    const char *start = turn_flag(turn, "start");
    uint64_t pid = 0, ticks = 0;

    if (start && !act_text_number(start, UINT64_MAX, &ticks)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no time of a start"), start);
        return;
    }
    if (!is_signal(signal)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no signal"), signal);
        return;
    }
    struct killing *killing = turn_state(turn, sizeof(*killing), end_killing);
    bool has_pid = object && act_text_number(object, INT32_MAX, &pid) && pid > 0;
    killing->command = mem_strdup(command);
    killing->object = mem_strdup(object ? object : "");
    killing->signal = mem_strdup(drop_prefix(signal));
    killing->pid = (uint32_t)pid;
    killing->start_ticks = ticks;
    if (!object)
        ask_which(turn, killing);
    else if (!has_pid)
        find_name(turn, killing);
    else if (turn_is_confirmed(turn) && start)
        send_signal(turn, killing);
    else
        find_pid(turn, killing);
}

void act_processes_kill(struct turn *turn) {
    const char *signal = turn_flag(turn, "signal");

    if (!signal)
        signal = turn_word(turn, 1);
    run(turn, "kill", signal ? signal : "TERM");
}

void act_processes_pause(struct turn *turn) {
    run(turn, "pause", "STOP");
}

void act_processes_resume(struct turn *turn) {
    run(turn, "resume", "CONT");
}
