#include "chat/call/look_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/call/look_form.h"
#include "chat/call/look_json.h"
#include "chat/call/look_types.h"
#include "chat/look/look_pages.h"
#include "chat/look/look_text.h"
#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/pbjson.h"
#include "wire/schema.h"

enum {
    PER_PAGE = 16,
    A_ROW = 2,
    LABEL_MAX = 30,
    NAME_MAX_SHOWN = 100,
    INLINE_MAX = 3000, /* bytes; longer answers are documents */
    ANSWER_MAX = 8 << 20,
    STREAM_MS = 30000,
    STEP_MS = 1000,
};

static const char OWN[] = "roost.v1.";

struct calling {
    struct look_types types;
    const struct schema_method *method; /* borrowed: types */
    struct buf answer;                  /* JSON, one message after the other */
    size_t count;
    bool is_changed;
};

static void end_calling(void *state) {
    struct calling *calling = state;

    look_types_done(&calling->types);
    buf_done(&calling->answer);
}

static const char *callee(const struct turn *turn) {
    return turn_node(turn) ? turn_node(turn) : turn_say(turn, "Hub");
}

/* "call nas" or "callhub", and what follows. A new string. */
static char *make_line(const struct turn *turn, const char *rest) {
    struct buf line = { 0 };

    if (turn_node(turn))
        buf_printf(&line, "call %s", turn_node(turn));
    else
        buf_add_text(&line, "callhub");
    if (rest[0] != '\0') {
        buf_add_byte(&line, ' ');
        view_quote(&line, rest);
    }
    return buf_take_text(&line);
}

/* --- services and methods --- */

static void add_way(struct view *view, const struct turn *turn, const char *back) {
    view_row(view);
    if (back)
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Services"), "%s", back);
    else if (turn_node(turn))
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "status %s",
                    turn_node(turn));
    else
        view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Nodes"), "nodes");
}

/* "Greeter" of "example.Greeter"; the whole of a name without dots. */
static const char *short_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static void show_services(struct turn *turn, const struct look_types *types) {
    struct look_pages pages = look_pages_of(turn, types->count, PER_PAGE);
    auto_(mem_freep) char *line = make_line(turn, "");
    struct view *view = view_new();

    view_title(view, turn_say(turn, "Services of %s"), callee(turn));
    if (types->count == 0)
        view_text(view, "%s", turn_say(turn, "It has none."));
    for (size_t i = pages.first; i < pages.end; i++) {
        bool is_own = strncmp(types->names[i], OWN, sizeof(OWN) - 1) == 0;
        const char *name = is_own ? short_name(types->names[i]) : types->names[i];
        auto_(mem_freep) char *label = look_text_cut(name, LABEL_MAX);
        auto_(mem_freep) char *action = make_line(turn, types->names[i]);
        if ((i - pages.first) % A_ROW == 0)
            view_row(view);
        view_button(view, is_own ? VIEW_PLAIN : VIEW_PRIMARY, label, "%s", action);
    }
    look_pages_add(&pages, view, line);
    add_way(view, turn, NULL);
    turn_show(turn, view);
}

static void show_methods(struct turn *turn, const struct look_types *types) {
    const struct schema_service *service =
        schema_service_find(types->schema, types->service);
    auto_(mem_freep) char *back = make_line(turn, "");
    auto_(mem_freep) char *title = look_text_cut(service->name, NAME_MAX_SHOWN);
    struct look_pages pages = look_pages_of(turn, service->method_count, PER_PAGE);
    auto_(mem_freep) char *line = make_line(turn, service->name);
    struct view *view = view_new();
    struct buf list = { 0 };

    view_title(view, "%s: %s", callee(turn), title);
    for (size_t i = pages.first; i < pages.end; i++) {
        const struct schema_method *method = &service->methods[i];
        auto_(mem_freep) char *path = mem_printf("%s/%s", service->name, method->name);
        auto_(mem_freep) char *action = make_line(turn, path);
        auto_(mem_freep) char *label = look_text_cut(method->name, LABEL_MAX);
        buf_printf(&list, "%s%s(%s) → %s%s", i > pages.first ? "\n" : "", label,
                   short_name(method->input->name), method->server_streaming ? "… " : "",
                   short_name(method->output->name));
        if ((i - pages.first) % A_ROW == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, label, "%s", action);
    }
    view_text(view, "%s",
              service->method_count > 0 ? buf_text(&list)
                                        : turn_say(turn, "It has none."));
    buf_done(&list);
    look_pages_add(&pages, view, line);
    add_way(view, turn, back);
    turn_show(turn, view);
}

/* --- answers --- */

/* Appends a message as JSON over lines: false when it cannot be read. */
static bool add_answer(struct calling *calling, struct slice bytes) {
    const struct pbjson_style style = { .pretty = true, .with_defaults = true };
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    if (calling->answer.len > ANSWER_MAX ||
        pb_unpack(calling->method->output, bytes, &message) != 0)
        return false;
    if (calling->answer.len > 0)
        buf_add_byte(&calling->answer, '\n');
    bool is_good = pbjson_write(&calling->answer, message, &style, &why) == 0;
    free(why);
    pb_free(message);
    calling->count++;
    return is_good;
}

static void add_title(struct view *view, const struct turn *turn) {
    auto_(mem_freep) char *name = look_text_cut(turn_word(turn, 0), NAME_MAX_SHOWN);
    view_title(view, "%s: %s", callee(turn), name);
}

/* The last messages of a stream, as many as there is room for. */
static const char *find_tail(struct buf *answer) {
    const char *text = buf_text(answer);

    if (answer->len <= INLINE_MAX)
        return text;
    const char *tail = text + answer->len - INLINE_MAX;
    const char *whole = strstr(tail, "\n{");
    if (whole)
        return whole + 1;
    while (((unsigned char)*tail & 0xc0) == 0x80)
        tail++; /* not within a character */
    return tail;
}

static void show_answer(struct turn *turn, struct calling *calling) {
    bool is_long = calling->answer.len > INLINE_MAX;
    auto_(mem_freep) char *again = make_line(turn, turn_word(turn, 0));
    auto_(mem_freep) char *name = mem_printf("%s.json", calling->method->name);
    struct view *view = view_new();

    add_title(view, turn);
    if (calling->method->server_streaming)
        view_note(view, turn_say(turn, "Messages: %zu"), calling->count);
    if (is_long)
        view_document(view, name, buf_slice(&calling->answer));
    else if (calling->answer.len > 0)
        view_code(view, buf_text(&calling->answer));
    else if (!calling->method->server_streaming)
        view_text(view, "%s", turn_say(turn, "Done."));
    view->is_fresh = is_long;
    view_button(view, VIEW_PLAIN, turn_say(turn, "Once more"), "%s", again);
    turn_show(turn, view);
}

static void fail(struct turn *turn, enum grpc_status status, const char *message) {
    auto_(mem_freep) char *name = look_text_cut(turn_word(turn, 0), NAME_MAX_SHOWN);
    turn_fail(turn, status, message, name);
}

static void on_reply(struct turn *turn,
                     void *arg,
                     enum grpc_status status,
                     const char *message,
                     struct slice reply) {
    if (status != GRPC_OK)
        fail(turn, status, message);
    else if (!add_answer(arg, reply))
        fail(turn, GRPC_INTERNAL, turn_say(turn, "the answer cannot be read"));
    else
        show_answer(turn, arg);
}

static bool on_message(struct turn *turn, void *arg, struct slice message) {
    struct calling *calling = arg;

    (void)turn;
    calling->is_changed = true;
    return add_answer(calling, message);
}

static void on_end(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message) {
    const struct calling *calling = arg;

    if (status != GRPC_OK && calling->count == 0)
        fail(turn, status, message);
    else
        show_answer(turn, arg);
}

static void on_enough(struct turn *turn, void *arg) {
    show_answer(turn, arg);
}

static void show_step(struct turn *turn, void *arg) {
    struct calling *calling = arg;

    if (calling->is_changed) {
        struct view *view = view_new();
        add_title(view, turn);
        view_code(view, find_tail(&calling->answer));
        view_note(view, "%s", turn_say(turn, "New messages appear for 30 seconds."));
        turn_progress(turn, view);
        calling->is_changed = false;
    }
    turn_later(turn, STEP_MS, show_step, calling);
}

/* --- the call --- */

/* Is it one of our own that acts? What somebody else's methods do is known to whoever
 * fills in their form. */
static bool is_act(const struct turn *turn, const char *method) {
    static const char *const looks[] = { "List",   "Get",   "Latest",   "Query",
                                         "Watch",  "Chart", "Describe", "Logs",
                                         "Status", "Top",   "Users",    "Storage",
                                         "Quota",  "Gpu",   "FreePort", "Traffic" };

    if (strncmp(turn_word(turn, 0), OWN, sizeof(OWN) - 1) != 0)
        return false;
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
        if (strcmp(method, looks[i]) == 0)
            return false;
    return strstr(turn_word(turn, 0), ".Probe/") == NULL;
}

/* Whoever acts knows the act again by its operation: it is filled in. */
static char *add_operation(struct turn *turn,
                           const ProtobufCMessageDescriptor *type,
                           const char *json) {
    const ProtobufCFieldDescriptor *field =
        pbfield_find(type, slice_of_text("operation_id"));
    struct buf with = { 0 };
    char *why = NULL;

    if (!field || strstr(json, "operation") ||
        strncmp(turn_word(turn, 0), OWN, sizeof(OWN) - 1) != 0 ||
        look_json_set(&with, type, json, field, turn_operation(turn, 0), &why) != 0) {
        free(why);
        buf_done(&with);
        return mem_strdup(json);
    }
    return buf_take_text(&with);
}

static void send(struct turn *turn, struct calling *calling, struct slice request) {
    static const struct turn_bytes_events events = { on_message, on_end };
    auto_(mem_freep) char *path = mem_printf("/%s", turn_word(turn, 0));

    if (!calling->method->server_streaming) {
        turn_call_bytes(turn, turn_node(turn), path, request, on_reply, calling);
        return;
    }
    turn_stream_bytes(turn, turn_node(turn), path, request, &events, calling);
    turn_later(turn, STEP_MS, show_step, calling);
    turn_later(turn, STREAM_MS, on_enough, calling);
}

static void call(struct turn *turn, struct calling *calling, const char *typed) {
    auto_(mem_freep) char *json = add_operation(turn, calling->method->input, typed);
    ProtobufCMessage *request = NULL;
    struct buf bytes = { 0 };
    char *why = NULL;

    if (pbjson_read(calling->method->input, slice_of_text(json), &request, &why) != 0) {
        auto_(mem_freep) char *cut = look_text_cut(why, NAME_MAX_SHOWN * 3);
        turn_complain(turn, turn_say(turn, "The request cannot be read: %s"), cut);
    } else if (is_act(turn, calling->method->name) && !turn_is_confirmed(turn)) {
        auto_(mem_freep) char *back = make_line(turn, turn_word(turn, 0));
        auto_(mem_freep) char *name = look_text_cut(turn_word(turn, 0), NAME_MAX_SHOWN);
        turn_confirm(turn, turn_say(turn, "Call it"), back,
                     turn_say(turn, "%s: calls %s, whatever it does there."),
                     callee(turn), name);
    } else {
        pb_pack(&bytes, request);
        send(turn, calling, buf_slice(&bytes));
    }
    free(why);
    pb_free(request);
    buf_done(&bytes);
}

/* --- what the words say --- */

static void on_services(struct turn *turn,
                        struct look_types *types,
                        enum grpc_status status,
                        const char *message) {
    if (status != GRPC_OK)
        turn_fail(turn, status, message, turn_say(turn, "List the services"));
    else
        show_services(turn, types);
}

static void on_types(struct turn *turn,
                     struct look_types *types,
                     enum grpc_status status,
                     const char *message) {
    struct calling *calling = (struct calling *)types;
    const char *slash = strchr(turn_word(turn, 0), '/');

    if (status != GRPC_OK) {
        fail(turn, status, message);
        return;
    }
    if (!slash) {
        show_methods(turn, types);
        return;
    }
    calling->method =
        schema_method_find(schema_service_find(types->schema, types->service), slash + 1);
    if (!calling->method) {
        fail(turn, GRPC_NOT_FOUND, turn_say(turn, "there is no such method"));
    } else if (turn_word(turn, 1) && !turn_flag(turn, "field")) {
        call(turn, calling, turn_rest(turn, 1));
    } else {
        auto_(mem_freep) char *line = make_line(turn, turn_word(turn, 0));
        look_form_show(turn, calling->method, line);
    }
}

void look_call_run(struct turn *turn) {
    struct calling *calling = turn_state(turn, sizeof(*calling), end_calling);
    const char *word = turn_word(turn, 0);

    if (!word) {
        look_types_ask(&calling->types, turn, turn_node(turn), NULL, on_services);
        return;
    }
    auto_(mem_freep) char *service = mem_dup(word, strcspn(word, "/"));
    look_types_ask(&calling->types, turn, turn_node(turn), service, on_types);
}

void look_call_hub(struct turn *turn) {
    look_call_run(turn);
}
