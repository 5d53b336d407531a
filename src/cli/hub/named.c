#include "cli/hub/named.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/output.h"
#include "cli/terminal/text.h"

const struct args_option named_list_options[] = {
    { "names", 0, NULL, NULL },
    { 0 },
};

/* --- fields by what they are --- */

static void *field_at(const ProtobufCMessage *message, unsigned offset) {
    return (uint8_t *)(uintptr_t)message + offset;
}

static void *first_field(const ProtobufCMessage *message) {
    return field_at(message, message->descriptor->fields[0].offset);
}

static protobuf_c_boolean *flag_of(const ProtobufCMessage *message, const char *name) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field && field->type == PROTOBUF_C_TYPE_BOOL);
    return field_at(message, field->offset);
}

static const char *name_of(const ProtobufCMessage *one) {
    return *(char **)first_field(one);
}

static ProtobufCMessage **things_of(const ProtobufCMessage *list, size_t *ret_count) {
    const ProtobufCFieldDescriptor *field = &list->descriptor->fields[0];

    *ret_count = *(size_t *)field_at(list, field->quantifier_offset);
    return *(ProtobufCMessage ***)first_field(list);
}

/* --- list, show --- */

int named_ask(struct cli *cli,
              const struct named_kind *kind,
              ProtobufCMessage **ret_list) {
    auto_(pb_freep) ProtobufCMessage *request = pb_new(kind->list.request);
    const struct session_ask ask = {
        .method = kind->list.method,
        .request = request,
        .reply_type = kind->list.reply,
    };

    return hub_call(cli, kind->words, ask, ret_list);
}

static int print_list(struct cli *cli,
                      const struct named_kind *kind,
                      const ProtobufCMessage *list) {
    size_t count;
    ProtobufCMessage **things = things_of(list, &count);

    if (args_has(cli->args, "names"))
        for (size_t i = 0; i < count; i++)
            puts(name_of(things[i]));
    else if (cli->json)
        return output_message(list, true);
    else
        kind->print_list(cli, list);
    return REPORT_OK;
}

int named_list(struct cli *cli, const struct named_kind *kind) {
    ProtobufCMessage *list;

    int r = named_ask(cli, kind, &list);
    if (r != 0)
        return r;
    r = print_list(cli, kind, list);
    pb_free(list);
    return r;
}

int named_find(struct cli *cli,
               const struct named_kind *kind,
               const char *name,
               ProtobufCMessage **ret_one,
               ProtobufCMessage **ret_list) {
    auto_(mem_freep) char *remedy = mem_printf("roost %s", kind->word);
    ProtobufCMessage *list;
    size_t count;

    int r = named_ask(cli, kind, &list);
    if (r != 0)
        return r;
    ProtobufCMessage **things = things_of(list, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(name_of(things[i]), name) == 0) {
            *ret_one = things[i];
            *ret_list = list;
            return 0;
        }
    pb_free(list);
    report_fail(REPORT_NOT_FOUND, remedy, "%s: no such %s", name, kind->word);
    return REPORT_NOT_FOUND;
}

int named_show(struct cli *cli, const struct named_kind *kind) {
    ProtobufCMessage *one, *list;

    int r = named_find(cli, kind, args_at(cli->args, 0), &one, &list);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(one, true);
    else
        kind->print_one(cli, one);
    pb_free(list);
    return r;
}

/* --- put, switch, remove --- */

int named_act(struct cli *cli,
              const char *what,
              const struct session_ask *ask,
              const char *done) {
    ProtobufCMessage *reply;

    int r = hub_call(cli, what, *ask, &reply);
    if (r != 0)
        return r;
    if (cli->json) {
        r = output_message(reply, true);
    } else if (!cli->quiet) {
        struct buf line = { 0 };
        text_add_clean(&line, what);
        printf("%s: %s\n", buf_text(&line), done);
        buf_done(&line);
    }
    pb_free(reply);
    return r;
}

int named_put(struct cli *cli,
              const struct named_kind *kind,
              ProtobufCMessage *one,
              bool is_new,
              const char *done) {
    ProtobufCMessage *request = pb_new(kind->put.request);
    const struct session_ask ask = {
        .method = kind->put.method,
        .request = request,
        .reply_type = kind->put.reply,
    };

    *(ProtobufCMessage **)first_field(request) = one;
    *flag_of(request, "is_new") = is_new;
    int r = named_act(cli, name_of(one), &ask, done);
    *(ProtobufCMessage **)first_field(request) = NULL; /* it was lent */
    pb_free(request);
    return r;
}

struct switching {
    const struct named_kind *kind; /* borrowed: the caller's */
    bool is_off;
};

static int switch_one(struct cli *cli, const char *name, const void *arg) {
    const struct switching *switching = arg;
    ProtobufCMessage *one, *list;

    int r = named_find(cli, switching->kind, name, &one, &list);
    if (r != 0)
        return r;
    *flag_of(one, "disabled") = switching->is_off;
    r = named_put(cli, switching->kind, one, false, switching->is_off ? "off" : "on");
    pb_free(list);
    return r;
}

int named_switch(struct cli *cli, const struct named_kind *kind, bool is_off) {
    struct switching switching = { .kind = kind, .is_off = is_off };

    return report_each(cli, switch_one, &switching);
}

static int remove_one(struct cli *cli, const char *name, const void *arg) {
    const struct named_kind *kind = arg;
    ProtobufCMessage *request = pb_new(kind->remove.request);
    const struct session_ask ask = {
        .method = kind->remove.method,
        .request = request,
        .reply_type = kind->remove.reply,
    };

    *(char **)first_field(request) = mem_strdup(name);
    int r = named_act(cli, name, &ask, kind->removed);
    pb_free(request);
    return r;
}

int named_remove(struct cli *cli, const struct named_kind *kind) {
    return report_each(cli, remove_one, kind);
}
