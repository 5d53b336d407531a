#include "chat/telegram/keyboard.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "chat/telegram/letters.h"
#include "chat/telegram/render.h"
#include "chat/view.h"
#include "wire/http_url.h"
#include "wire/json_writer.h"
#include "wire/utf8.h"

static void add_member(struct json_writer *writer, const char *name, const char *text) {
    json_writer_name(writer, slice_of_text(name));
    json_writer_text(writer, slice_of_text(text));
}

/* The API refuses a whole keyboard for an address that nobody else could open. */
static bool is_public(const char *address) {
    struct http_url url;
    const char *why;

    if (strncmp(address, "tg://", 5) == 0)
        return utf8_is_valid(slice_of_text(address));
    return http_url_parse(address, &url, &why) == 0 && strchr(url.to.host, '.') &&
           strncmp(url.to.host, "127.", 4) != 0;
}

static bool can_copy(const char *text) {
    return text[0] != '\0' && utf8_is_valid(slice_of_text(text)) &&
           letters_units(slice_of_text(text)) <= RENDER_COPY_MAX;
}

static bool can_show(const struct view_button *button, const char *token) {
    switch (button->kind) {
    case VIEW_LINK:
        return is_public(button->content) || can_copy(button->content);
    case VIEW_COPY:
        return can_copy(button->content);
    default:
        return token && token[0] != '\0' && strlen(token) <= RENDER_TOKEN_MAX;
    }
}

static void write_copy(struct json_writer *writer, const char *text) {
    json_writer_name(writer, slice_of_text("copy_text"));
    json_writer_open_object(writer);
    add_member(writer, "text", text);
    json_writer_close_object(writer);
}

static bool is_blank(const struct buf *text) {
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] != ' ' && text->data[i] != '\n' && text->data[i] != '\t')
            return false;
    return true;
}

static void write_label(struct json_writer *writer, const char *label, size_t label_max) {
    struct buf clean = { 0 };
    struct buf cut = { 0 };

    letters_add_clean(&clean, slice_of_text(label));
    letters_add_cut(&cut, buf_slice(&clean), label_max);
    add_member(writer, "text", is_blank(&cut) ? "·" : buf_text(&cut));
    buf_done(&clean);
    buf_done(&cut);
}

static void write_button(struct json_writer *writer,
                         const struct view_button *button,
                         const char *token,
                         size_t label_max) {
    static const char *const styles[] = {
        [VIEW_PRIMARY] = "primary",
        [VIEW_SUCCESS] = "success",
        [VIEW_DANGER] = "danger",
    };

    json_writer_open_object(writer);
    write_label(writer, button->label, label_max);
    if (button->kind == VIEW_LINK && is_public(button->content))
        add_member(writer, "url", button->content);
    else if (button->kind == VIEW_LINK || button->kind == VIEW_COPY)
        write_copy(writer, button->content);
    else
        add_member(writer, "callback_data", token);
    if (button->style != VIEW_PLAIN)
        add_member(writer, "style", styles[button->style]);
    json_writer_close_object(writer);
}

static size_t write_rows(const struct view *view,
                         const char *const *tokens,
                         size_t label_max,
                         struct json_writer *writer) {
    size_t count = 0;
    size_t in_row = 0;
    unsigned row = 0;

    for (size_t i = 0; i < view->button_count && count < RENDER_BUTTONS_MAX; i++) {
        const struct view_button *button = &view->buttons[i];
        const char *token = tokens ? tokens[i] : NULL;
        if (!can_show(button, token))
            continue;
        if (count > 0 && (button->row != row || in_row == RENDER_ROW_MAX)) {
            json_writer_close_array(writer);
            in_row = 0;
        }
        if (in_row == 0)
            json_writer_open_array(writer);
        write_button(writer, button, token, label_max);
        row = button->row;
        in_row++;
        count++;
    }
    if (count > 0)
        json_writer_close_array(writer);
    return count;
}

static size_t write_all(const struct view *view,
                        const char *const *tokens,
                        size_t label_max,
                        struct buf *out) {
    struct json_writer writer;

    buf_clear(out);
    json_writer_init(&writer, out, false);
    json_writer_open_object(&writer);
    json_writer_name(&writer, slice_of_text("inline_keyboard"));
    json_writer_open_array(&writer);
    size_t count = write_rows(view, tokens, label_max, &writer);
    json_writer_close_array(&writer);
    json_writer_close_object(&writer);
    return count;
}

char *keyboard_write(const struct view *view, const char *const *tokens) {
    struct buf out = { 0 };

    /* Many long labels come to more than the API takes: shorter ones then. */
    for (size_t max = RENDER_LABEL_MAX; max >= RENDER_LABEL_MAX / 8; max /= 2) {
        if (write_all(view, tokens, max, &out) == 0)
            break;
        if (out.len <= RENDER_KEYBOARD_MAX)
            return buf_take_text(&out);
    }
    buf_done(&out);
    return NULL;
}
