#include "alerts/silence/silence_message.h"

#include "alerts/incidents/incident.h"
#include "alerts/silence/silence.h"
#include "base/mem.h"
#include "base/name.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { TEXT_MAX = 500 };

static const int64_t LASTS_MAX_MS = INT64_C(366) * 86400 * 1000;

void silence_message_init(struct silence_message *message,
                          const struct silence *silence) {
    roost__v1__silence__init(&message->silence);
    message->silence.id = pb_lend(silence->id);
    message->silence.select = silence->select;
    message->silence.rule = silence->rule;
    message->silence.reason = silence->reason;
    message->silence.created_by = silence->created_by;
    message->silence.starts = timestamp_set(&message->starts, silence->starts_ms);
    message->silence.ends = timestamp_set(&message->ends, silence->ends_ms);
    message->silence.every_s = (uint32_t)(silence->every_ms / 1000);
}

static const char *check(const Roost__V1__PutSilenceRequest *request,
                         int64_t starts_ms,
                         int64_t ends_ms,
                         int64_t now_ms) {
    int64_t every_ms = (int64_t)request->every_s * 1000;

    if (ends_ms == 0)
        return "how long? ends or lasts_s";
    if (ends_ms <= starts_ms)
        return "it ends before it starts";
    if (ends_ms - starts_ms > LASTS_MAX_MS)
        return "at most a year";
    if (every_ms > 0 && every_ms <= ends_ms - starts_ms)
        return "it comes again before it ends";
    if (every_ms == 0 && ends_ms <= now_ms)
        return "it is over already";
    if (strlen(request->select) > NAME_SELECTION_MAX)
        return "select: too long";
    if (strlen(request->rule) > TEXT_MAX || strlen(request->reason) > TEXT_MAX)
        return "rule, reason: at most 500 bytes";
    return NULL;
}

struct silence *silence_message_read(const Roost__V1__PutSilenceRequest *request,
                                     const char *created_by,
                                     int64_t now_ms,
                                     char **ret_why) {
    int64_t starts_ms = request->starts ? timestamp_get(request->starts) : now_ms;
    int64_t ends_ms = request->ends ? timestamp_get(request->ends)
                      : request->lasts_s > 0
                          ? starts_ms + (int64_t)request->lasts_s * 1000
                          : 0;
    const char *why = check(request, starts_ms, ends_ms, now_ms);

    if (why) {
        *ret_why = mem_strdup(why);
        return NULL;
    }
    struct silence *silence = silence_new();
    incident_set(&silence->select, request->select);
    incident_set(&silence->rule, request->rule);
    incident_set(&silence->reason, request->reason);
    incident_set(&silence->created_by, created_by);
    silence->starts_ms = starts_ms;
    silence->ends_ms = ends_ms;
    silence->every_ms = (uint64_t)request->every_s * 1000;
    return silence;
}
