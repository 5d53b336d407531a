#include "agent/probe/probe_diagnose.h"

#include <stdlib.h>

#include "agent/acts/act.h"
#include "agent/chores.h"
#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/diagnose/diagnose_run.h"
#include "agent/probe/probes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/invocation.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

/* One report being made: it goes on when its caller leaves. */
struct report {
    struct probe probe;
    struct job job;
    char *root; /* owned */
    struct diagnose diagnose;
    struct buf text;
    bool is_gone; /* nobody waits any more */
};

static void run(struct job *job) {
    struct report *report = container_of(job, struct report, job);

    diagnose_run(&report->diagnose, report->root);
    diagnose_print(&report->diagnose, &report->text);
}

static void free_report(struct report *report) {
    diagnose_done(&report->diagnose);
    buf_done(&report->text);
    free(report->root);
    free(report);
}

static void on_end(struct probe *probe) {
    struct report *report = container_of(probe, struct report, probe);

    report->is_gone = true;
    report->diagnose.is_cancelled = true;
}

/* --- as messages --- */

static void fill_item(Roost__V1__DiagnosisItem *out, const struct diagnose_item *item) {
    roost__v1__diagnosis_item__init(out);
    out->name = item->name;
    if (item->concern)
        out->concern = item->concern;
    out->n_fields = item->count;
    out->fields = mem_new_array(item->count + 1, sizeof(*out->fields));
    for (size_t i = 0; i < item->count; i++) {
        out->fields[i] = mem_new(sizeof(**out->fields));
        roost__v1__diagnosis_field__init(out->fields[i]);
        out->fields[i]->name = pb_lend(item->fields[i].name);
        out->fields[i]->value = item->fields[i].value;
    }
}

static Roost__V1__DiagnosisSection *make_section(const struct diagnose_section *section) {
    Roost__V1__DiagnosisSection *out = mem_new(sizeof(*out));

    roost__v1__diagnosis_section__init(out);
    out->name = pb_lend(section->name);
    out->n_items = section->count;
    out->items = mem_new_array(section->count + 1, sizeof(*out->items));
    for (size_t i = 0; i < section->count; i++) {
        out->items[i] = mem_new(sizeof(**out->items));
        fill_item(out->items[i], &section->items[i]);
    }
    return out;
}

/* Frees what was made above; texts are the report's. */
static void free_section(Roost__V1__DiagnosisSection *section) {
    for (size_t i = 0; i < section->n_items; i++) {
        for (size_t at = 0; at < section->items[i]->n_fields; at++)
            free(section->items[i]->fields[at]);
        free(section->items[i]->fields);
        free(section->items[i]);
    }
    free(section->items);
    free(section);
}

static void reply(struct report *report) {
    Roost__V1__Diagnosis response = ROOST__V1__DIAGNOSIS__INIT;
    Roost__V1__DiagnosisSection *sections[DIAGNOSE_SECTIONS];
    Google__Protobuf__Timestamp time;

    response.time = timestamp_set(&time, clock_wall_ms());
    response.text = pb_lend(buf_text(&report->text));
    response.sections = sections;
    for (size_t i = 0; i < report->diagnose.count; i++)
        sections[response.n_sections++] = make_section(&report->diagnose.sections[i]);
    probes_reply(&report->probe, &response.base);
    for (size_t i = 0; i < response.n_sections; i++)
        free_section(sections[i]);
}

static void done(struct job *job) {
    struct report *report = container_of(job, struct report, job);

    if (!report->is_gone)
        reply(report);
    free_report(report);
}

void probe_diagnose(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *request) {
    struct probes *probes = arg;
    const struct probes_config *config = probes_config(probes);

    if (act_role(invocation) < ACTOR_OPERATOR) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "a diagnosis needs the role operator on this node");
        return;
    }
    if (!act_may(config->acts, invocation, POLICY_LOOK, "diagnose"))
        return;
    struct report *report = mem_new(sizeof(*report));
    if (!probes_begin(probes, invocation, &report->probe, on_end)) {
        free(report);
        return;
    }
    report->root = mem_strdup(config->root ? config->root : "");
    report->job.run = run;
    report->job.done = done;
    if (chores_add(probes_chores(probes), &report->job) == 0)
        return;
    probes_finish(&report->probe, GRPC_RESOURCE_EXHAUSTED,
                  "too many diagnoses wait on this node: try again later");
    free_report(report);
}
