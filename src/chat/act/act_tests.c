#include "chat/act/act_tests.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/pb.h"

enum { SECONDS_MAX = 30, CONCERNS_MAX = 12 };

static char *back_of(const struct turn *turn) {
    return mem_printf("tests %s", turn_node(turn));
}

void act_tests_screen(struct turn *turn) {
    const char *node = turn_node(turn);
    struct view *view = view_new();

    view_title(view, turn_say(turn, "%s: tests"), node);
    if (act_call_may(turn)) {
        view_text(view, "%s",
                  turn_say(turn, "What can be measured from this host. Targets are given "
                                 "as words: /ping, /tcp, /http, /dns."));
        view_row(view);
        view_button(view, VIEW_PLAIN, turn_say(turn, "⚡ speed"), "speedtest %s", node);
        view_button(view, VIEW_PLAIN, turn_say(turn, "🩺 diagnosis"), "diag %s", node);
        view_row(view);
        view_button(view, VIEW_PLAIN, turn_say(turn, "📶 stability…"), "stability %s",
                    node);
        view_row(view);
        view_button(view, VIEW_PLAIN, "ping…", "ping %s", node);
        view_button(view, VIEW_PLAIN, "tcp…", "tcp %s", node);
        view_button(view, VIEW_PLAIN, "http…", "http %s", node);
        view_button(view, VIEW_PLAIN, "dns…", "dns %s", node);
    } else {
        view_text(view, turn_say(turn, "Tests need the role of an operator on %s."),
                  node);
    }
    auto_(mem_freep) char *back = mem_printf("node %s", node);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

/* --- speed --- */

static void add_speed(struct view *view, const char *name, double bits_per_second) {
    char text[ACT_TEXT_LEN];

    act_text_bits(bits_per_second, text);
    view_field(view, name, "%s", text);
}

static void add_latency(struct turn *turn,
                        struct view *view,
                        const char *name,
                        const Roost__V1__Latency *latency) {
    if (latency && latency->count > 0)
        view_field(view, name, turn_say(turn, "%.1f ms, jitter %.1f ms"), latency->p50_ms,
                   latency->jitter_ms);
}

static void show_speed(struct turn *turn, const Roost__V1__SpeedTestReport *report) {
    auto_(mem_freep) char *back = back_of(turn);
    struct view *view = view_new();

    /* This word is what older bots waited for. */
    view_title(view, "⚡ %s: Speedtest", turn_node(turn));
    add_speed(view, turn_say(turn, "Download"), report->download_bits_per_second);
    if (report->upload_bits_per_second > 0)
        add_speed(view, turn_say(turn, "Upload"), report->upload_bits_per_second);
    add_latency(turn, view, turn_say(turn, "Round trip"), report->idle);
    add_latency(turn, view, turn_say(turn, "while downloading"), report->loaded_download);
    add_latency(turn, view, turn_say(turn, "while uploading"), report->loaded_upload);
    view_button(view, VIEW_PLAIN, turn_say(turn, "once more"), "speedtest %s",
                turn_node(turn));
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static const char *phase_text(const struct turn *turn, const char *phase) {
    if (strcmp(phase, "download") == 0)
        return turn_say(turn, "Download");
    if (strcmp(phase, "upload") == 0)
        return turn_say(turn, "Upload");
    return turn_say(turn, "Round trip");
}

static bool on_speed(struct turn *turn, void *arg, const ProtobufCMessage *message) {
    const Roost__V1__SpeedTestReport *report =
        (const Roost__V1__SpeedTestReport *)message;

    if (strcmp(report->phase, "done") == 0) {
        show_speed(turn, report);
        return false;
    }
    struct view *view = view_new();
    view_title(view, "⏳ %s: Speedtest", turn_node(turn));
    if (report->bits_per_second > 0)
        add_speed(view, phase_text(turn, report->phase), report->bits_per_second);
    else
        view_text(view, "%s…", phase_text(turn, report->phase));
    turn_progress(turn, view);
    return true;
}

static void on_speed_end(struct turn *turn,
                         void *arg,
                         enum grpc_status status,
                         const char *message) {
    auto_(mem_freep) char *back = back_of(turn);
    auto_(mem_freep) char *again = mem_printf("speedtest %s", turn_node(turn));
    auto_(mem_freep) char *what = mem_printf("%s: Speedtest", turn_node(turn));

    act_call_fail(turn, status == GRPC_OK ? GRPC_INTERNAL : status,
                  status == GRPC_OK ? turn_say(turn, "It ended without a result.")
                                    : message,
                  what, again, back);
}

void act_tests_speed(struct turn *turn) {
    static const struct turn_stream_events events = {
        .on_message = on_speed,
        .on_end = on_speed_end,
    };
    Roost__V1__SpeedTestRequest request = ROOST__V1__SPEED_TEST_REQUEST__INIT;
    const char *url = turn_flag(turn, "url");
    const char *word = turn_word(turn, 0);
    uint64_t seconds = 0;

    if (word && (!act_text_number(word, SECONDS_MAX, &seconds) || seconds == 0)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no number of seconds up to %d"),
                      word, SECONDS_MAX);
        return;
    }
    request.url = pb_lend(url);
    request.seconds = (uint32_t)seconds;
    struct view *view = view_new();
    view_title(view, "⏳ %s: Speedtest", turn_node(turn));
    turn_progress(turn, view);
    turn_stream(turn, turn_node(turn), "/roost.v1.Probe/SpeedTest", &request.base,
                &events, NULL);
}

/* --- diagnosis --- */

static void add_concerns(struct turn *turn,
                         struct view *view,
                         const Roost__V1__Diagnosis *diagnosis) {
    size_t count = 0;

    for (size_t i = 0; i < diagnosis->n_sections; i++)
        for (size_t k = 0; k < diagnosis->sections[i]->n_items; k++) {
            const Roost__V1__DiagnosisItem *item = diagnosis->sections[i]->items[k];
            if (item->concern[0] && count++ < CONCERNS_MAX)
                view_text(view, "⚠️ %s %s: %s", diagnosis->sections[i]->name,
                          item->name, item->concern);
        }
    if (count == 0)
        view_text(view, "%s",
                  turn_say(turn, "✅ Nothing is wrong, as far as it can be "
                                 "seen."));
    else if (count > CONCERNS_MAX)
        view_note(view, turn_say(turn, "and %zu more, in the file"),
                  count - CONCERNS_MAX);
}

static void on_diagnosis(struct turn *turn,
                         void *arg,
                         enum grpc_status status,
                         const char *message,
                         const ProtobufCMessage *reply) {
    const Roost__V1__Diagnosis *diagnosis = (const Roost__V1__Diagnosis *)reply;
    auto_(mem_freep) char *back = back_of(turn);

    if (status != GRPC_OK) {
        auto_(mem_freep) char *what =
            mem_printf(turn_say(turn, "%s: diagnosis"), turn_node(turn));
        auto_(mem_freep) char *again = mem_printf("diag %s", turn_node(turn));
        act_call_fail(turn, status, message, what, again, back);
        return;
    }
    struct view *view = view_new();
    view_title(view, turn_say(turn, "%s: diagnosis"), turn_node(turn));
    add_concerns(turn, view, diagnosis);
    view_document(view, "diagnostics.txt", slice_of_text(diagnosis->text));
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

void act_tests_diagnose(struct turn *turn) {
    Roost__V1__DiagnoseRequest request = ROOST__V1__DIAGNOSE_REQUEST__INIT;
    struct view *view = view_new();

    view_title(view, turn_say(turn, "⏳ %s: the host is looked at…"), turn_node(turn));
    turn_progress(turn, view);
    turn_call(turn, turn_node(turn), "/roost.v1.Probe/Diagnose", &request.base,
              on_diagnosis, NULL);
}
