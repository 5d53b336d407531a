#include "cli/acts/act_tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/output.h"
#include "cli/terminal/text.h"

/* How a node's record begins, too, of what was begun and never ended. */
static const char not_known[] = "the outcome is not known";

static bool has_json(const struct act_tell *tell) {
    return tell->cli->json && tell->plan->done;
}

static const char *outcome_name(const struct act_outcome *outcome) {
    if (outcome->status == GRPC_OK)
        return "done";
    return outcome->unclear ? "unknown" : "failed";
}

static void add_json(struct buf *out, const struct act_outcome *outcome) {
    buf_add_text(out, out->len == 0 ? "[\n  {\"node\":" : ",\n  {\"node\":");
    output_add_string(out, outcome->deed->node);
    if (outcome->deed->object) {
        buf_add_text(out, ",\"object\":");
        output_add_string(out, outcome->deed->object);
    }
    buf_printf(out, ",\"outcome\":\"%s\"", outcome_name(outcome));
    if (outcome->operation_id)
        buf_printf(out, ",\"operationId\":\"%s\"", outcome->operation_id);
    if (outcome->status == GRPC_OK) {
        buf_add_text(out, ",\"reply\":");
        output_add_message(out, outcome->reply, false);
    } else {
        buf_printf(out, ",\"status\":\"%s\",\"message\":",
                   grpc_status_name((int)outcome->status));
        output_add_string(out, outcome->message);
    }
    buf_add_byte(out, '}');
}

/* "pi: nginx (812)". A new string. */
static char *label_of(const struct act_deed *deed) {
    return deed->object ? mem_printf("%s: %s", deed->node, deed->object)
                        : mem_strdup(deed->node);
}

static void print_done(const struct act_tell *tell, const char *label) {
    struct buf line = { 0 };

    if (tell->cli->quiet || !tell->plan->done)
        return;
    text_add_clean(&line, label);
    printf("%s: %s\n", buf_text(&line), tell->plan->done);
    fflush(stdout);
    buf_done(&line);
}

static int tell_unknown(const struct act_outcome *outcome, const char *label) {
    auto_(mem_freep) char *remedy =
        mem_printf("roost activity --node %s", outcome->deed->node);
    const char *message = outcome->message;
    struct buf clean = { 0 };

    text_add_clean(&clean, remedy);
    bool is_said = strncmp(message, not_known, strlen(not_known)) == 0;
    report_fail(REPORT_TIMEOUT, buf_text(&clean), "%s: %s%s%s", label,
                is_said ? "" : not_known, is_said ? "" : ": ", message);
    buf_done(&clean);
    return REPORT_TIMEOUT;
}

/* Which command lists what the method is about: "ps"; NULL: none. */
static const char *lister_of(const char *method) {
    static const char *const listers[][2] = {
        { "/roost.v1.Processes/", "ps" },
        { "/roost.v1.Units/", "units" },
    };

    for (size_t i = 0; i < sizeof(listers) / sizeof(listers[0]); i++)
        if (strncmp(method, listers[i][0], strlen(listers[i][0])) == 0)
            return listers[i][1];
    return NULL;
}

static int tell_failed(const struct act_tell *tell,
                       const struct act_outcome *outcome,
                       const char *label) {
    const char *lister = lister_of(tell->plan->method);
    struct buf remedy = { 0 };

    if (outcome->status != GRPC_NOT_FOUND || !lister)
        return hub_report_call(tell->cli, label, outcome->status, outcome->message);
    buf_printf(&remedy, "roost %s ", lister);
    text_add_clean(&remedy, outcome->deed->node);
    report_fail(REPORT_NOT_FOUND, buf_text(&remedy), "%s: %s", label, outcome->message);
    buf_done(&remedy);
    return REPORT_NOT_FOUND;
}

int act_tell(struct act_tell *tell, const struct act_outcome *outcome) {
    auto_(mem_freep) char *label = label_of(outcome->deed);
    const struct act_plan *plan = tell->plan;

    if (has_json(tell))
        add_json(&tell->json, outcome);
    if (outcome->status != GRPC_OK)
        return outcome->unclear ? tell_unknown(outcome, label)
                                : tell_failed(tell, outcome, label);
    if (has_json(tell))
        return REPORT_OK;
    print_done(tell, label);
    if (plan->on_reply)
        plan->on_reply(plan->arg, outcome->deed, outcome->reply);
    return REPORT_OK;
}

void act_tell_done(struct act_tell *tell) {
    if (tell->json.len > 0)
        printf("%s\n]\n", buf_text(&tell->json));
    buf_done(&tell->json);
}
