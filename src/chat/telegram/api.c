#include "chat/telegram/api.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/list.h"
#include "base/mem.h"
#include "chat/telegram/fields.h"
#include "loop/http_client.h"
#include "wire/json_writer.h"
#include "wire/utf8.h"

enum {
    BOUNDARY_RANDOM = 16,
    DESCRIPTION_MAX = 300,   /* bytes of what the other side says that we repeat */
    RETRY_AFTER_MAX = 86400, /* s; more is taken as that */
};

struct api {
    struct http_client *client; /* owned */
    char *url;                  /* owned */
    char *token;                /* owned */
    struct list calls;          /* owned */
};

struct api_call {
    struct list node;
    struct http_call *http; /* owned; NULL in done */
    struct api *api;        /* borrowed: cancels its calls before it goes */
    api_done *done;
    void *arg; /* borrowed: the caller's */
};

/* --- the form --- */

static struct api_field *add_field(struct api_form *form, const char *name) {
    form->fields = mem_grow(form->fields, (form->count + 1) * sizeof(*form->fields));
    struct api_field *field = &form->fields[form->count++];
    *field = (struct api_field) { .name = mem_strdup(name) };
    return field;
}

void api_form_text(struct api_form *form, const char *name, const char *text) {
    add_field(form, name)->text = mem_strdup(text);
}

void api_form_json(struct api_form *form, const char *name, const char *json) {
    struct api_field *field = add_field(form, name);

    field->text = mem_strdup(json);
    field->is_json = true;
}

void api_form_true(struct api_form *form, const char *name) {
    api_form_json(form, name, "true");
}

/* What may stand between quotation marks in a head of a part. */
static char *plain_name(const char *name) {
    char *plain = mem_strdup(name);

    for (char *at = plain; *at; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '_';
    return plain;
}

void api_form_file(struct api_form *form,
                   const char *name,
                   const char *file_name,
                   const char *type,
                   struct slice content) {
    struct api_field *field = add_field(form, name);

    field->file_name = plain_name(file_name);
    field->type = type;
    field->content = content;
}

void api_form_done(struct api_form *form) {
    for (size_t i = 0; i < form->count; i++) {
        free(form->fields[i].name);
        free(form->fields[i].text);
        free(form->fields[i].file_name);
    }
    free(form->fields);
    *form = (struct api_form) { 0 };
}

static void write_json(const struct api_form *form, struct buf *out) {
    struct json_writer writer;

    json_writer_init(&writer, out, false);
    json_writer_open_object(&writer);
    for (size_t i = 0; i < form->count; i++) {
        const struct api_field *field = &form->fields[i];
        json_writer_name(&writer, slice_of_text(field->name));
        if (field->is_json)
            json_writer_raw(&writer, slice_of_text(field->text));
        else
            json_writer_text(&writer, slice_of_text(field->text));
    }
    json_writer_close_object(&writer);
}

static void write_part(const struct api_field *field,
                       const char *boundary,
                       struct buf *out) {
    buf_printf(out, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary,
               field->name);
    if (field->text) {
        buf_printf(out, "\r\n\r\n%s\r\n", field->text);
        return;
    }
    buf_printf(out, "; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n", field->file_name,
               field->type);
    buf_add_slice(out, field->content);
    buf_add_text(out, "\r\n");
}

bool api_form_write(const struct api_form *form, const char *boundary, struct buf *out) {
    bool has_file = false;

    for (size_t i = 0; i < form->count; i++)
        has_file = has_file || !form->fields[i].text;
    if (!has_file) {
        write_json(form, out);
        return false;
    }
    for (size_t i = 0; i < form->count; i++)
        write_part(&form->fields[i], boundary, out);
    buf_printf(out, "--%s--\r\n", boundary);
    return true;
}

/* --- the answer --- */

struct envelope {
    char *ok;
    char *result;
    char *error_code;
    char *description;
    char *retry_after;
    char *migrate_to;
};

static const struct fields_want wants[] = {
    { "ok", offsetof(struct envelope, ok) },
    { "result", offsetof(struct envelope, result) },
    { "error_code", offsetof(struct envelope, error_code) },
    { "description", offsetof(struct envelope, description) },
    { "parameters.retry_after", offsetof(struct envelope, retry_after) },
    { "parameters.migrate_to_chat_id", offsetof(struct envelope, migrate_to) },
};

enum { WANTS = sizeof(wants) / sizeof(wants[0]) };

/* A number of at most max; 0 when there is none. */
static unsigned number(const char *text, unsigned max) {
    char *end;

    if (!text)
        return 0;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || text[0] == '-')
        return 0;
    return errno != 0 || value > max ? max : (unsigned)value;
}

static bool is_id(const char *text) {
    if (!text)
        return false;
    if (*text == '-')
        text++;
    size_t len = strspn(text, "0123456789");
    return len > 0 && len < 20 && text[len] == '\0';
}

/* A copy without the token, cut: what is said to people and in the log. */
static char *without_token(const struct api *api, const char *text) {
    size_t token_len = strlen(api->token);
    struct buf out = { 0 };

    while (*text && out.len < DESCRIPTION_MAX) {
        if (token_len > 0 && strncmp(text, api->token, token_len) == 0) {
            buf_add_text(&out, "TOKEN");
            text += token_len;
            continue;
        }
        size_t len = utf8_char_len(slice_of_text(text));
        if (len > 0)
            buf_add(&out, text, len);
        text += len > 0 ? len : 1;
    }
    return buf_take_text(&out);
}

static unsigned code_of(const struct http_answer *answer, const struct envelope *fields) {
    if (fields->ok && *fields->ok)
        return fields->result ? 200 : 0;
    unsigned code = number(fields->error_code, 999);
    return code > 0 && code != 200 ? code : answer->status >= 400 ? answer->status : 0;
}

static void read_answer(const struct api *api,
                        const struct http_answer *answer,
                        struct envelope *fields,
                        struct api_reply *ret_reply) {
    struct api_reply reply = { 0 };

    if (answer->status == 0) {
        fields->description = mem_strdup(answer->error);
        reply.is_too_long = strstr(answer->error, "too long") != NULL;
    } else if (!fields_read(answer->body, wants, WANTS, fields) || !fields->ok) {
        fields_done(wants, WANTS, fields);
        fields->description =
            mem_printf("status %u, and no answer of a Bot API", answer->status);
        reply.code = answer->status >= 400 ? answer->status : 0;
    } else {
        reply.code = code_of(answer, fields);
    }
    char *description =
        without_token(api, fields->description ? fields->description : "");
    free(fields->description);
    fields->description = description;
    reply.description = description;
    reply.retry_after_s = number(fields->retry_after, RETRY_AFTER_MAX);
    if (reply.retry_after_s == 0 && answer->status == 429)
        reply.retry_after_s = answer->retry_after_s;
    reply.migrate_to = is_id(fields->migrate_to) ? fields->migrate_to : NULL;
    reply.result = slice_of_text(fields->result);
    *ret_reply = reply;
}

static void on_done(void *arg, const struct http_answer *answer) {
    struct api_call *call = arg;
    struct envelope fields = { 0 };
    struct api_reply reply;

    read_answer(call->api, answer, &fields, &reply);
    list_remove(&call->node);
    api_done *done = call->done;
    void *done_arg = call->arg;
    free(call);
    done(done_arg, &reply);
    fields_done(wants, WANTS, &fields);
}

/* --- calls --- */

struct api *api_new(const struct api_config *config) {
    struct api *api = mem_new(sizeof(*api));
    struct http_client_config http = {
        .loop = config->loop,
        .calls_max = config->calls_max,
        .ca_file = config->ca_file,
    };

    *api = (struct api) {
        .client = http_client_new(&http),
        .url = mem_strdup(config->url),
        .token = mem_strdup(config->token),
    };
    list_init(&api->calls);
    return api;
}

void api_aim(struct api *api, const char *url, const char *token) {
    mem_wipe(api->token, strlen(api->token));
    free(api->token);
    free(api->url);
    api->url = mem_strdup(url);
    api->token = mem_strdup(token);
}

struct api *api_free(struct api *api) {
    if (!api)
        return NULL;
    http_client_free(api->client);
    list_for_each_safe(node, after, &api->calls) {
        list_remove(node);
        free(container_of(node, struct api_call, node));
    }
    mem_wipe(api->token, strlen(api->token));
    free(api->token);
    free(api->url);
    free(api);
    return NULL;
}

static void new_boundary(char ret_boundary[static 2 * BOUNDARY_RANDOM + 1]) {
    uint8_t bytes[BOUNDARY_RANDOM];

    crypto_random(bytes, sizeof(bytes));
    hex_encode(ret_boundary, bytes, sizeof(bytes));
}

struct api_call *api_send(struct api *api,
                          const char *method,
                          const struct api_form *form,
                          unsigned timeout_ms,
                          size_t answer_max,
                          api_done *done,
                          void *arg) {
    struct api_call *call = mem_new(sizeof(*call));
    char boundary[2 * BOUNDARY_RANDOM + 1];
    struct buf body = { 0 };

    new_boundary(boundary);
    bool is_multipart = api_form_write(form, boundary, &body);
    char *type =
        is_multipart
            ? mem_printf("Content-Type: multipart/form-data; boundary=%s", boundary)
            : mem_strdup("Content-Type: application/json");
    char *url = mem_printf("%s/bot%s/%s", api->url, api->token, method);
    /* "Expect:" so that curl does not wait for a 100 before large bodies. */
    const char *const headers[] = { type, "Expect:", NULL };
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = buf_slice(&body),
        .timeout_ms = timeout_ms,
        .answer_max = answer_max,
    };

    *call = (struct api_call) { .api = api, .done = done, .arg = arg };
    list_add_tail(&api->calls, &call->node);
    call->http = http_client_start(api->client, &request, on_done, call);
    mem_wipe(url, strlen(url));
    free(url);
    free(type);
    buf_done(&body);
    return call;
}

struct api_call *api_cancel(struct api_call *call) {
    if (!call)
        return NULL;
    http_client_cancel(call->http);
    list_remove(&call->node);
    free(call);
    return NULL;
}
