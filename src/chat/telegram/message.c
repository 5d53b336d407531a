#include "chat/telegram/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "chat/telegram/render.h"
#include "wire/json_writer.h"

struct kind {
    const char *name; /* of the parameter, and of the media */
    const char *send; /* the method */
    const char *type; /* of a file's part */
};

static const struct kind kinds[] = {
    [RENDER_TEXT] = { "text", "sendMessage", NULL },
    [RENDER_PHOTO] = { "photo", "sendPhoto", "image/png" },
    [RENDER_DOCUMENT] = { "document", "sendDocument", "application/octet-stream" },
};

static void add_member(struct json_writer *writer, const char *name, const char *text) {
    json_writer_name(writer, slice_of_text(name));
    json_writer_text(writer, slice_of_text(text));
}

static const char *text_of(const struct message_order *order) {
    return order->is_plain ? order->render->plain : order->render->html;
}

static void add_file(const struct message_order *order,
                     const char *name,
                     struct api_form *form) {
    const struct render_file *file = &order->render->files[0];

    api_form_file(form, name, file->name, kinds[file->kind].type,
                  slice_of(file->data, file->len));
}

/* The text as `name`, with or without marks; an empty caption is none. */
static void add_text(const struct message_order *order,
                     const char *name,
                     struct api_form *form) {
    const char *text = text_of(order);

    if (*text == '\0')
        return;
    api_form_text(form, name, text);
    if (!order->is_plain)
        api_form_text(form, "parse_mode", "HTML");
}

static void add_reply(const char *message, struct api_form *form) {
    struct buf json = { 0 };

    if (message[strspn(message, "0123456789")] != '\0')
        return;
    /* It may be deleted by now. */
    buf_printf(&json, "{\"message_id\":%s,\"allow_sending_without_reply\":true}",
               message);
    api_form_json(form, "reply_parameters", buf_text(&json));
    buf_done(&json);
}

static const char *write_new(const struct message_order *order, struct api_form *form) {
    const struct kind *kind = &kinds[render_kind_of(order->render)];

    if (order->topic && *order->topic)
        api_form_text(form, "message_thread_id", order->topic);
    if (order->reply_to && *order->reply_to)
        add_reply(order->reply_to, form);
    if (order->render->is_quiet)
        api_form_true(form, "disable_notification");
    if (!order->render->has_media) {
        add_text(order, "text", form);
        return kind->send;
    }
    add_text(order, "caption", form);
    if (order->file_id)
        api_form_text(form, kind->name, order->file_id);
    else
        add_file(order, kind->name, form);
    return kind->send;
}

static const char *write_media(const struct message_order *order, struct api_form *form) {
    const char *text = text_of(order);
    struct json_writer writer;
    struct buf json = { 0 };

    json_writer_init(&writer, &json, false);
    json_writer_open_object(&writer);
    add_member(&writer, "type", kinds[render_kind_of(order->render)].name);
    add_member(&writer, "media", order->file_id ? order->file_id : "attach://file");
    if (*text) {
        add_member(&writer, "caption", text);
        if (!order->is_plain)
            add_member(&writer, "parse_mode", "HTML");
    }
    json_writer_close_object(&writer);
    api_form_json(form, "media", buf_text(&json));
    buf_done(&json);
    if (!order->file_id)
        add_file(order, "file", form);
    return "editMessageMedia";
}

static const char *write_edit(const struct message_order *order, struct api_form *form) {
    api_form_text(form, "message_id", order->message);
    if (order->render->has_media)
        return write_media(order, form);
    add_text(order, "text", form);
    return "editMessageText";
}

const char *message_write(const struct message_order *order, struct api_form *form) {
    const char *method;

    api_form_text(form, "chat_id", order->chat);
    method = order->message ? write_edit(order, form) : write_new(order, form);
    if (!order->render->has_media)
        api_form_json(form, "link_preview_options", "{\"is_disabled\":true}");
    if (order->render->keyboard && !order->is_bare)
        api_form_json(form, "reply_markup", order->render->keyboard);
    return method;
}
