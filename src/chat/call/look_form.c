#include "chat/call/look_form.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/call/look_json.h"
#include "chat/look/look_text.h"
#include "chat/turn/turn.h"
#include "wire/pb.h"
#include "wire/pbfield.h"
#include "wire/pbjson.h"

enum {
    FIELDS_MAX = 24,
    VALUES_MAX = 40,
    A_ROW = 2,
    LABEL_MAX = 28,
    JSON_MAX_SHOWN = 2500,
    SAMPLE_MAX = 800,
};

/* What was filled in so far. */
static const char *find_json(const struct turn *turn) {
    const char *json = turn_flag(turn, "json");
    return json && json[0] != '\0' ? json : "{}";
}

/* "call nas S/M --json ..." with this JSON. A new string. */
static char *make_action(const char *line, const char *json) {
    struct buf action = { 0 };

    buf_printf(&action, "%s --json ", line);
    view_quote(&action, json);
    return buf_take_text(&action);
}

/* The JSON over lines, as it would be sent; as it was written if it cannot be read. */
static void add_request(struct view *view,
                        const ProtobufCMessageDescriptor *type,
                        const char *json) {
    const struct pbjson_style style = { .pretty = true };
    ProtobufCMessage *message = NULL;
    struct buf text = { 0 };
    char *why = NULL;

    if (pbjson_read(type, slice_of_text(json), &message, &why) != 0 ||
        pbjson_write(&text, message, &style, &why) != 0)
        buf_add_text(&text, json);
    if (text.len > JSON_MAX_SHOWN)
        text.len = JSON_MAX_SHOWN;
    view_code(view, buf_text(&text));
    free(why);
    pb_free(message);
    buf_done(&text);
}

static void add_field(struct view *view,
                      const ProtobufCMessageDescriptor *type,
                      const ProtobufCFieldDescriptor *field,
                      const char *action) {
    auto_(mem_freep) char *kind = look_json_kind(type, field);
    auto_(mem_freep) char *text = mem_printf("%s: %s", field->name, kind);
    auto_(mem_freep) char *label = look_text_cut(text, LABEL_MAX);

    view_button(view, VIEW_PLAIN, label, "%s --field %s", action, field->name);
}

static void show_form(struct turn *turn,
                      const struct schema_method *method,
                      const char *line,
                      const char *json) {
    const ProtobufCMessageDescriptor *type = method->input;
    auto_(mem_freep) char *action = make_action(line, json);
    auto_(mem_freep) char *name = look_text_cut(turn_word(turn, 0), LABEL_MAX * 4);
    struct view *view = view_new();
    struct buf quoted = { 0 };

    view_title(view, "%s: %s", turn_node(turn) ? turn_node(turn) : turn_say(turn, "Hub"),
               name);
    if (type->n_fields == 0)
        view_note(view, "%s", turn_say(turn, "It takes nothing."));
    else
        add_request(view, type, json);
    if (strlen(action) + 64 > VIEW_ACTION_MAX)
        view_note(view, "%s",
                  turn_say(turn, "It is too long for buttons: write it in one line."));
    for (unsigned i = 0; i < type->n_fields && i < FIELDS_MAX; i++) {
        if (i % A_ROW == 0)
            view_row(view);
        add_field(view, type, &type->fields[i], action);
    }
    view_quote(&quoted, json);
    view_row(view);
    view_button(view, VIEW_PRIMARY, turn_say(turn, "Call it"), "%s %s", line,
                buf_text(&quoted));
    if (strcmp(json, "{}") != 0)
        view_button(view, VIEW_PLAIN, turn_say(turn, "Empty it"), "%s", line);
    size_t len = strcspn(line, "/");
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "%.*s", (int)len, line);
    buf_done(&quoted);
    turn_show(turn, view);
}

/* --- one field --- */

/* A button that sets the field to the value. */
static void add_choice(struct view *view,
                       const struct schema_method *method,
                       const char *line,
                       const char *json,
                       const ProtobufCFieldDescriptor *field,
                       const char *label,
                       const char *value) {
    struct buf next = { 0 };
    char *why = NULL;

    if (look_json_set(&next, method->input, json, field, value, &why) == 0) {
        auto_(mem_freep) char *action = make_action(line, buf_text(&next));
        auto_(mem_freep) char *cut = look_text_cut(label, LABEL_MAX);
        view_button(view, VIEW_PLAIN, cut, "%s", action);
    }
    free(why);
    buf_done(&next);
}

static void add_choices(struct turn *turn,
                        struct view *view,
                        const struct schema_method *method,
                        const char *line,
                        const ProtobufCFieldDescriptor *field) {
    const char *json = find_json(turn);
    const ProtobufCEnumDescriptor *values = field->descriptor;

    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        add_choice(view, method, line, json, field, turn_say(turn, "yes"), "true");
        add_choice(view, method, line, json, field, turn_say(turn, "no"), "false");
    }
    for (unsigned i = 0; field->type == PROTOBUF_C_TYPE_ENUM &&
                         i < values->n_value_names && i < VALUES_MAX;
         i++) {
        if (i % A_ROW == 0)
            view_row(view);
        add_choice(view, method, line, json, field, values->values_by_name[i].name,
                   values->values_by_name[i].name);
    }
}

/* A message's sample, so that one sees what is wanted. */
static void add_sample(struct turn *turn,
                       struct view *view,
                       const ProtobufCFieldDescriptor *field) {
    struct buf sample = { 0 };

    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    pbjson_sample(&sample, field->descriptor, false);
    if (sample.len <= SAMPLE_MAX) {
        view_text(view, "%s", turn_say(turn, "As JSON, for example:"));
        view_code(view, buf_text(&sample));
    }
    buf_done(&sample);
}

static void ask_field(struct turn *turn,
                      const struct schema_method *method,
                      const char *line,
                      const ProtobufCFieldDescriptor *field,
                      const char *why) {
    auto_(mem_freep) char *action = make_action(line, find_json(turn));
    auto_(mem_freep) char *kind = look_json_kind(method->input, field);
    struct view *view = view_new();

    view_title(view, "%s", field->name);
    if (why) {
        auto_(mem_freep) char *cut = look_text_cut(why, LABEL_MAX * 8);
        view_text(view, "%s", cut);
    }
    view_text(view, turn_say(turn, "Write its value (%s)."), kind);
    add_sample(turn, view, field);
    add_choices(turn, view, method, line, field);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "‹ Back"), "%s", action);
    turn_ask(turn, view, "%s --field %s", action, field->name);
}

static void take_field(struct turn *turn,
                       const struct schema_method *method,
                       const char *line,
                       const char *name) {
    const ProtobufCFieldDescriptor *field =
        pbfield_find(method->input, slice_of_text(name));
    struct buf next = { 0 };
    char *why = NULL;

    if (!field) {
        auto_(mem_freep) char *cut = look_text_cut(name, LABEL_MAX);
        turn_complain(turn, turn_say(turn, "It has no field \"%s\"."), cut);
    } else if (!turn_word(turn, 1)) {
        ask_field(turn, method, line, field, NULL);
    } else if (look_json_set(&next, method->input, find_json(turn), field,
                             turn_rest(turn, 1), &why) != 0) {
        ask_field(turn, method, line, field, why);
    } else {
        show_form(turn, method, line, buf_text(&next));
    }
    free(why);
    buf_done(&next);
}

void look_form_show(struct turn *turn,
                    const struct schema_method *method,
                    const char *line) {
    const char *field = turn_flag(turn, "field");

    if (field && field[0] != '\0')
        take_field(turn, method, line, field);
    else
        show_form(turn, method, line, find_json(turn));
}
