#include "chat/turn/turn_testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/turn/turn_parse.h"
#include "roost/v1/activity.pb-c.h"
#include "roost/v1/acts.pb-c.h"
#include "roost/v1/admin.pb-c.h"
#include "roost/v1/alerts.pb-c.h"
#include "roost/v1/groups.pb-c.h"
#include "roost/v1/host.pb-c.h"
#include "roost/v1/metrics.pb-c.h"
#include "roost/v1/nodes.pb-c.h"
#include "roost/v1/power.pb-c.h"
#include "roost/v1/probe.pb-c.h"
#include "roost/v1/processes.pb-c.h"
#include "roost/v1/tokens.pb-c.h"
#include "roost/v1/units.pb-c.h"
#include "roost/v1/usage.pb-c.h"
#include "roost/v1/users.pb-c.h"
#include "wire/pbjson.h"

enum { OPERATIONS_MAX = 8, OPERATION_LEN = 24 };

static const ProtobufCServiceDescriptor *const services[] = {
    &roost__v1__activity__descriptor,  &roost__v1__acts__descriptor,
    &roost__v1__admin__descriptor,     &roost__v1__host__descriptor,
    &roost__v1__metrics__descriptor,   &roost__v1__nodes__descriptor,
    &roost__v1__power__descriptor,     &roost__v1__probe__descriptor,
    &roost__v1__processes__descriptor, &roost__v1__tokens__descriptor,
    &roost__v1__units__descriptor,     &roost__v1__usage__descriptor,
    &roost__v1__users__descriptor,     &roost__v1__approvals__descriptor,
    &roost__v1__alerts__descriptor,    &roost__v1__groups__descriptor,
};

struct open_call {
    char *node;         /* owned; NULL: the hub */
    char *method;       /* owned */
    struct buf request; /* packed */
    turn_reply_fn *on_reply;
    struct turn_stream_events events;
    turn_bytes_fn *on_bytes;
    struct turn_bytes_events bytes_events;
    void *arg; /* borrowed: the command */
    bool is_stream;
    bool is_open;
};

struct timer {
    int64_t due_ms;
    void (*on_time)(struct turn *turn, void *arg);
    void *arg; /* borrowed: the command */
};

struct turn {
    const struct words_pair *russian; /* borrowed: static; NULL: English */
    char *node;                       /* owned; NULL: none */
    struct turn_parse parse;
    char *rest; /* owned: lent by turn_rest() */
    struct chat_person person;
    struct chat_place place;
    struct actor *actor; /* reference */
    struct chat_host host;
    enum actor_role role;
    bool is_confirmed;
    bool is_again;
    bool has_ended;
    int64_t now_ms;
    void *state; /* owned */
    void (*on_state_end)(void *state);
    struct open_call **calls; /* owned, and the calls */
    size_t call_count;
    struct timer *timers; /* owned */
    size_t timer_count;
    struct buf call_lines; /* since they were asked for */
    struct buf lent_lines; /* what was lent */
    char *shown;           /* owned */
    size_t shown_count;
    struct view *view; /* owned: the last */
    char *chosen;      /* owned */
    char operations[OPERATIONS_MAX][OPERATION_LEN];
};

/* --- words --- */

size_t turn_count(const struct turn *turn) {
    return turn->parse.count - 1;
}

const char *turn_word(const struct turn *turn, size_t i) {
    return i < turn_count(turn) ? turn->parse.words[i + 1].text : NULL;
}

const char *turn_rest(const struct turn *turn, size_t i) {
    struct turn *owner = (struct turn *)(uintptr_t)turn;

    free(owner->rest);
    owner->rest = turn_parse_rest(&turn->parse, i + 1);
    return owner->rest;
}

const char *turn_flag(const struct turn *turn, const char *name) {
    return turn_parse_flag(&turn->parse, name);
}

/* --- who and where --- */

static int64_t tell_now(void *arg) {
    const struct turn *turn = arg;
    return turn->now_ms;
}

struct turn *turn_testing_new(const char *node, const char *words) {
    struct turn *turn = mem_new(sizeof(*turn));

    *turn = (struct turn) {
        .node = mem_strdup(node),
        .person = { .id = "7", .name = "Ada", .language = "en" },
        .place = { .platform = "test",
                   .chat = "7",
                   .topic = "",
                   .title = "",
                   .is_private = true },
        .role = ACTOR_OWNER,
        .now_ms = TURN_TESTING_NOW_MS,
        .shown = mem_strdup(""),
    };
    struct actor_rights *rights = actor_rights_new(true);
    turn->actor = actor_new("ada", "token", true, rights);
    actor_rights_unref(rights);
    turn->host = (struct chat_host) { .arg = turn, .now_ms = tell_now };
    /* Behind some command: the first word of a line is read in another way. */
    auto_(mem_freep) char *line = mem_printf("command %s", words ? words : "");
    turn_parse_init(&turn->parse, line);
    return turn;
}

static void free_call(struct open_call *call) {
    free(call->node);
    free(call->method);
    buf_done(&call->request);
    free(call);
}

struct turn *turn_testing_free(struct turn *turn) {
    if (!turn)
        return NULL;
    if (turn->state && turn->on_state_end)
        turn->on_state_end(turn->state);
    free(turn->state);
    for (size_t i = 0; i < turn->call_count; i++)
        free_call(turn->calls[i]);
    turn_parse_done(&turn->parse);
    free(turn->rest);
    free(turn->calls);
    free(turn->timers);
    buf_done(&turn->call_lines);
    buf_done(&turn->lent_lines);
    free(turn->shown);
    view_free(turn->view);
    free(turn->chosen);
    free(turn->node);
    actor_unref(turn->actor);
    free(turn);
    return NULL;
}

void turn_testing_speak(struct turn *turn, const struct words_pair *russian) {
    turn->russian = russian;
}

void turn_testing_in_group(struct turn *turn) {
    turn->place.is_private = false;
    turn->place.chat = "-100";
    turn->place.title = "Home";
}

void turn_testing_confirm(struct turn *turn) {
    turn->is_confirmed = true;
}

void turn_testing_repeat(struct turn *turn) {
    turn->is_again = true;
}

void turn_testing_set_role(struct turn *turn, enum actor_role role) {
    turn->role = role;
}

const struct chat_person *turn_person(const struct turn *turn) {
    return &turn->person;
}

const struct chat_place *turn_place(const struct turn *turn) {
    return &turn->place;
}

const struct actor *turn_actor(const struct turn *turn) {
    return turn->actor;
}

enum words_language turn_language(const struct turn *turn) {
    return turn->russian ? WORDS_RUSSIAN : WORDS_ENGLISH;
}

struct chat *turn_chat(const struct turn *turn) {
    (void)turn;
    return NULL;
}

const struct chat_host *turn_host(const struct turn *turn) {
    return &turn->host;
}

const char *turn_say(const struct turn *turn, const char *english) {
    for (size_t i = 0; turn->russian && turn->russian[i].english; i++)
        if (strcmp(turn->russian[i].english, english) == 0)
            return turn->russian[i].other;
    return english;
}

const char *turn_node(const struct turn *turn) {
    return turn->node;
}

enum actor_role turn_role(const struct turn *turn) {
    return turn->role;
}

bool turn_is_confirmed(const struct turn *turn) {
    return turn->is_confirmed;
}

bool turn_is_again(const struct turn *turn) {
    return turn->is_again;
}

const char *turn_operation(struct turn *turn, unsigned n) {
    char *operation = turn->operations[n % OPERATIONS_MAX];

    snprintf(operation, OPERATION_LEN, "operation-%u", n);
    return operation;
}

void turn_set_node(struct turn *turn, const char *node) {
    free(turn->chosen);
    turn->chosen = mem_strdup(node);
}

const char *turn_testing_chosen(const struct turn *turn) {
    return turn->chosen;
}

void *turn_state(struct turn *turn, size_t size, void (*on_end)(void *state)) {
    if (!turn->state) {
        turn->state = mem_new(size);
        turn->on_state_end = on_end;
    }
    return turn->state;
}

/* --- calls --- */

/* "Nodes/List" of "/roost.v1.Nodes/List". */
static const char *short_method(const char *path) {
    static const char ours[] = "/roost.v1.";
    return strncmp(path, ours, sizeof(ours) - 1) == 0 ? path + sizeof(ours) - 1 : path;
}

static struct open_call *add_call(struct turn *turn,
                                  const char *node,
                                  const char *method,
                                  void *arg) {
    struct open_call *call = mem_new(sizeof(*call));

    *call = (struct open_call) {
        .node = mem_strdup(node),
        .method = mem_strdup(method),
        .arg = arg,
        .is_open = true,
    };
    turn->calls = mem_grow(turn->calls, (turn->call_count + 1) * sizeof(*turn->calls));
    turn->calls[turn->call_count++] = call;
    buf_printf(&turn->call_lines, "%s %s", node ? node : "-", short_method(method));
    return call;
}

static void note_request(struct turn *turn,
                         struct open_call *call,
                         const ProtobufCMessage *request) {
    char *why = NULL;

    pb_pack(&call->request, request);
    buf_add_byte(&turn->call_lines, ' ');
    if (pbjson_write(&turn->call_lines, request, NULL, &why) != 0)
        buf_add_text(&turn->call_lines, why);
    free(why);
    buf_add_byte(&turn->call_lines, '\n');
}

void turn_call(struct turn *turn,
               const char *node,
               const char *method,
               const ProtobufCMessage *request,
               turn_reply_fn *on_reply,
               void *arg) {
    struct open_call *call = add_call(turn, node, method, arg);

    call->on_reply = on_reply;
    note_request(turn, call, request);
}

void turn_stream(struct turn *turn,
                 const char *node,
                 const char *method,
                 const ProtobufCMessage *request,
                 const struct turn_stream_events *events,
                 void *arg) {
    struct open_call *call = add_call(turn, node, method, arg);

    call->events = *events;
    call->is_stream = true;
    note_request(turn, call, request);
}

void turn_call_bytes(struct turn *turn,
                     const char *node,
                     const char *method,
                     struct slice request,
                     turn_bytes_fn *on_reply,
                     void *arg) {
    struct open_call *call = add_call(turn, node, method, arg);

    call->on_bytes = on_reply;
    buf_add_slice(&call->request, request);
    buf_printf(&turn->call_lines, " (%zu bytes)\n", request.len);
}

void turn_stream_bytes(struct turn *turn,
                       const char *node,
                       const char *method,
                       struct slice request,
                       const struct turn_bytes_events *events,
                       void *arg) {
    struct open_call *call = add_call(turn, node, method, arg);

    call->bytes_events = *events;
    buf_add_slice(&call->request, request);
    buf_printf(&turn->call_lines, " (%zu bytes)\n", request.len);
}

const char *turn_testing_calls(struct turn *turn) {
    buf_done(&turn->lent_lines);
    turn->lent_lines = turn->call_lines;
    turn->call_lines = (struct buf) { 0 };
    return buf_text(&turn->lent_lines);
}

static struct open_call *find_call(const struct turn *turn, const char *method) {
    for (size_t i = 0; i < turn->call_count; i++) {
        struct open_call *call = turn->calls[i];
        size_t len = strlen(call->method);
        size_t wanted = strlen(method);
        if (call->is_open && wanted <= len &&
            strcmp(call->method + len - wanted, method) == 0)
            return call;
    }
    return NULL;
}

struct slice turn_testing_request(const struct turn *turn, const char *method) {
    const struct open_call *call = find_call(turn, method);
    return call ? buf_slice(&call->request) : (struct slice) { 0 };
}

static const ProtobufCMessageDescriptor *reply_type(const char *path) {
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        size_t len = strlen(services[i]->name);
        if (strncmp(path + 1, services[i]->name, len) != 0 || path[1 + len] != '/')
            continue;
        const ProtobufCMethodDescriptor *method =
            protobuf_c_service_descriptor_get_method_by_name(services[i], path + len + 2);
        return method ? method->output : NULL;
    }
    return NULL;
}

bool turn_testing_answer(struct turn *turn, const char *method, const char *json) {
    struct open_call *call = find_call(turn, method);
    const ProtobufCMessageDescriptor *type = call ? reply_type(call->method) : NULL;
    ProtobufCMessage *reply = NULL;
    char *why = NULL;

    if (!type || turn->has_ended)
        return false;
    if (pbjson_read(type, slice_of_text(json), &reply, &why) != 0) {
        fprintf(stderr, "# %s: %s\n", method, why);
        free(why);
        return false;
    }
    if (call->is_stream) {
        call->is_open = call->events.on_message(turn, call->arg, reply);
    } else {
        call->is_open = false;
        call->on_reply(turn, call->arg, GRPC_OK, "", reply);
    }
    pb_free(reply);
    return true;
}

bool turn_testing_answer_bytes(struct turn *turn,
                               const char *method,
                               struct slice reply) {
    struct open_call *call = find_call(turn, method);

    if (!call || turn->has_ended || (!call->on_bytes && !call->bytes_events.on_message))
        return false;
    if (call->bytes_events.on_message) {
        call->is_open = call->bytes_events.on_message(turn, call->arg, reply);
        return true;
    }
    call->is_open = false;
    call->on_bytes(turn, call->arg, GRPC_OK, "", reply);
    return true;
}

bool turn_testing_end(struct turn *turn,
                      const char *method,
                      enum grpc_status status,
                      const char *message) {
    struct open_call *call = find_call(turn, method);

    if (!call || turn->has_ended)
        return false;
    call->is_open = false;
    if (call->is_stream)
        call->events.on_end(turn, call->arg, status, message);
    else if (call->bytes_events.on_end)
        call->bytes_events.on_end(turn, call->arg, status, message);
    else if (call->on_bytes)
        call->on_bytes(turn, call->arg, status, message, (struct slice) { 0 });
    else
        call->on_reply(turn, call->arg, status, message, NULL);
    return true;
}

/* --- time --- */

void turn_later(struct turn *turn,
                unsigned delay_ms,
                void (*on_time)(struct turn *turn, void *arg),
                void *arg) {
    turn->timers =
        mem_grow(turn->timers, (turn->timer_count + 1) * sizeof(*turn->timers));
    turn->timers[turn->timer_count++] =
        (struct timer) { turn->now_ms + delay_ms, on_time, arg };
}

/* The timer that is due first, up to then; -1. */
static ptrdiff_t find_due(const struct turn *turn, int64_t until_ms) {
    ptrdiff_t found = -1;

    for (size_t i = 0; i < turn->timer_count; i++)
        if (turn->timers[i].due_ms <= until_ms &&
            (found < 0 || turn->timers[i].due_ms < turn->timers[found].due_ms))
            found = (ptrdiff_t)i;
    return found;
}

void turn_testing_pass(struct turn *turn, unsigned ms) {
    int64_t until_ms = turn->now_ms + ms;

    for (;;) {
        ptrdiff_t at = turn->has_ended ? -1 : find_due(turn, until_ms);
        if (at < 0)
            break;
        struct timer timer = turn->timers[at];
        turn->timers[at] = turn->timers[--turn->timer_count];
        turn->now_ms = timer.due_ms;
        timer.on_time(turn, timer.arg);
    }
    turn->now_ms = until_ms;
}

/* --- what is shown --- */

static void print_buttons(const struct view *view, struct buf *out) {
    static const char *const marks[] = { "", "!", "@", "=" };

    for (size_t i = 0; i < view->button_count; i++) {
        const struct view_button *button = &view->buttons[i];
        if (i > 0)
            buf_add_text(out, button->row != view->buttons[i - 1].row ? "\n" : " ");
        buf_printf(out, "[%s | %s%s]", button->label, marks[button->kind],
                   button->content);
    }
    if (view->button_count > 0)
        buf_add_byte(out, '\n');
}

static void show_text(struct turn *turn, const char *how, const char *text) {
    free(turn->shown);
    turn->shown = mem_printf("%s\n%s", how, text);
    turn->shown_count++;
}

/* Takes the view. */
static void show(struct turn *turn, const char *how, struct view *view) {
    struct buf text = { 0 };
    size_t buttons = view->button_count;

    view->button_count = 0;
    view_print(view, &text);
    view->button_count = buttons;
    print_buttons(view, &text);
    show_text(turn, how, buf_text(&text));
    buf_done(&text);
    view_free(turn->view);
    turn->view = view;
}

static void end(struct turn *turn) {
    if (turn->has_ended)
        abort(); /* a turn ends once */
    turn->has_ended = true;
}

void turn_progress(struct turn *turn, struct view *view) {
    if (turn->has_ended)
        abort();
    show(turn, "PROGRESS", view);
}

void turn_add(struct turn *turn, struct view *view) {
    if (turn->has_ended)
        abort();
    show(turn, "ADD", view);
}

void turn_show(struct turn *turn, struct view *view) {
    end(turn);
    show(turn, "SHOW", view);
}

void turn_fail(struct turn *turn,
               enum grpc_status status,
               const char *message,
               const char *what) {
    end(turn);
    auto_(mem_freep) char *text = mem_printf("%s: %s: %s\n", what ? what : "-",
                                             grpc_status_name((int)status), message);
    show_text(turn, "FAIL", text);
}

void turn_complain(struct turn *turn, const char *format, ...) {
    struct buf text = { 0 };
    va_list args;

    end(turn);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_add_byte(&text, '\n');
    show_text(turn, "COMPLAIN", buf_text(&text));
    buf_done(&text);
}

void turn_ask(struct turn *turn, struct view *view, const char *format, ...) {
    struct buf how = { 0 };
    va_list args;

    end(turn);
    buf_add_text(&how, "ASK ");
    va_start(args, format);
    buf_vprintf(&how, format, args);
    va_end(args);
    show(turn, buf_text(&how), view);
    buf_done(&how);
}

void turn_confirm(
    struct turn *turn, const char *label, const char *back, const char *format, ...) {
    struct buf text = { 0 };
    va_list args;

    end(turn);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_printf(&text, "\n[%s] [back | %s]\n", label, back);
    show_text(turn, "CONFIRM", buf_text(&text));
    buf_done(&text);
}

const char *turn_testing_shown(const struct turn *turn) {
    return turn->shown;
}

size_t turn_testing_count(const struct turn *turn) {
    return turn->shown_count;
}

bool turn_testing_has_ended(const struct turn *turn) {
    return turn->has_ended;
}

const struct view *turn_testing_view(const struct turn *turn) {
    return turn->view;
}
