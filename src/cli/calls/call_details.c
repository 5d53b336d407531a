#include "cli/calls/call_details.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "cli/calls/callee.h"
#include "cli/report.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "wire/headers.h"
#include "wire/pb.h"
#include "wire/pbjson.h"

const ProtobufCMessageDescriptor *call_details_find(void *callee, const char *name) {
    static const ProtobufCMessageDescriptor *const known[] = {
        &google__rpc__error_info__descriptor,
        &google__rpc__retry_info__descriptor,
        &google__rpc__debug_info__descriptor,
        &google__rpc__quota_failure__descriptor,
        &google__rpc__precondition_failure__descriptor,
        &google__rpc__bad_request__descriptor,
        &google__rpc__request_info__descriptor,
        &google__rpc__resource_info__descriptor,
        &google__rpc__help__descriptor,
        &google__rpc__localized_message__descriptor,
        &google__rpc__status__descriptor,
        &google__protobuf__any__descriptor,
        &google__protobuf__duration__descriptor,
    };
    const ProtobufCMessageDescriptor *found =
        callee ? callee_message(callee, name) : NULL;

    for (size_t i = 0; !found && i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i]->name, name) == 0)
            found = known[i];
    return found;
}

static void tell_one(const struct callee *callee, const ProtobufCMessage *detail) {
    const struct pbjson_style style = {
        .types = { .find = call_details_find, .arg = (void *)(uintptr_t)callee },
    };
    struct buf json = { 0 };
    char *why = NULL;

    if (pbjson_write(&json, detail, &style, &why) == 0)
        report_note("detail: %s", buf_text(&json));
    free(why);
    buf_done(&json);
}

void call_details_tell(const struct callee *callee, const struct headers *trailers) {
    const char *text = headers_get(trailers, "grpc-status-details-bin");
    ProtobufCMessage *message = NULL;
    struct buf bytes = { 0 };

    if (!text || base64_decode_any(&bytes, slice_of_text(text)) != 0 ||
        pb_unpack(&google__rpc__status__descriptor, buf_slice(&bytes), &message) != 0) {
        buf_done(&bytes);
        return;
    }
    const Google__Rpc__Status *status = (const Google__Rpc__Status *)message;
    for (size_t i = 0; i < status->n_details; i++)
        tell_one(callee, &status->details[i]->base);
    pb_free(message);
    buf_done(&bytes);
}
