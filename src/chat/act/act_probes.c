#include "chat/act/act_probes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    PINGS_USUAL = 4,
    PINGS_MAX = 100,
    PING_LINES = 10,
    RECORDS_MAX = 20,
    REDIRECTS = 5,
    TITLE_MAX = 200
};

struct probing {
    char *what;   /* owned: "nas: ping example.org" */
    char *again;  /* owned: the line */
    char *target; /* owned */
    struct buf lines;
    size_t line_count;
};

static void end_probing(void *state) {
    struct probing *probing = state;

    free(probing->what);
    free(probing->again);
    free(probing->target);
    buf_done(&probing->lines);
}

static char *back_of(const struct turn *turn) {
    return mem_printf("tests %s", turn_node(turn));
}

/* The state of a probe of that target; NULL: the target was asked for. */
static struct probing *begin(struct turn *turn,
                             const char *command,
                             const char *question) {
    const char *target = turn_word(turn, 0);

    if (!target) {
        auto_(mem_freep) char *back = back_of(turn);
        struct view *view = view_new();
        view_title(view, "%s: %s", turn_node(turn), command);
        view_text(view, "%s", question);
        act_call_back(turn, view, back);
        turn_ask(turn, view, "%s %s", command, turn_node(turn));
        return NULL;
    }
    struct probing *probing = turn_state(turn, sizeof(*probing), end_probing);
    auto_(mem_freep) char *quoted = act_text_quote(target);
    const char *more = turn_word(turn, 1);
    auto_(mem_freep) char *more_quoted = act_text_quote(more ? more : "");
    auto_(mem_freep) char *cut = act_text_cut(target, TITLE_MAX);
    probing->target = mem_strdup(target);
    probing->what = mem_printf("%s: %s %s", turn_node(turn), command, cut);
    probing->again = mem_printf("%s %s %s%s%s", command, turn_node(turn), quoted,
                                more ? " " : "", more ? more_quoted : "");
    return probing;
}

static void fail(struct turn *turn,
                 const struct probing *probing,
                 enum grpc_status status,
                 const char *message) {
    auto_(mem_freep) char *back = back_of(turn);

    act_call_fail(turn, status == GRPC_OK ? GRPC_INTERNAL : status,
                  status == GRPC_OK ? turn_say(turn, "It ended without a result.")
                                    : message,
                  probing->what, probing->again, back);
}

static struct view *result_view(const struct probing *probing, bool is_good) {
    struct view *view = view_new();

    view_title(view, "%s %s", is_good ? "✅" : "🔴", probing->what);
    return view;
}

static void finish(struct turn *turn, const struct probing *probing, struct view *view) {
    auto_(mem_freep) char *back = back_of(turn);

    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "once more"), "%s", probing->again);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

/* --- ping --- */

static void add_ping(struct probing *probing,
                     const struct turn *turn,
                     const Roost__V1__PingReport *report) {
    if (probing->line_count++ >= PING_LINES)
        return;
    buf_printf(&probing->lines, "%s%u  ", probing->line_count > 1 ? "\n" : "",
               report->number);
    if (report->rtt_ms_known_case)
        buf_printf(&probing->lines, "%s  %.1f ms", report->address, report->rtt_ms);
    else
        buf_printf(&probing->lines, "%s",
                   report->error[0] ? report->error : turn_say(turn, "no answer"));
}

static void show_pings(struct turn *turn,
                       const struct probing *probing,
                       const Roost__V1__PingReport *report) {
    const Roost__V1__Latency *rtt = report->rtt;
    struct view *view = result_view(probing, report->received > 0);

    if (probing->lines.len > 0)
        view_code(view, buf_text((struct buf *)(uintptr_t)&probing->lines));
    view_field(view, turn_say(turn, "Answered"), turn_say(turn, "%u of %u"),
               report->received, report->sent);
    if (rtt && rtt->count > 0)
        view_field(view, turn_say(turn, "Round trip"),
                   turn_say(turn, "%.1f ms, least %.1f, most %.1f"), rtt->mean_ms,
                   rtt->min_ms, rtt->max_ms);
    finish(turn, probing, view);
}

static bool on_ping(struct turn *turn, void *arg, const ProtobufCMessage *message) {
    const Roost__V1__PingReport *report = (const Roost__V1__PingReport *)message;
    struct probing *probing = arg;

    if (report->number > 0 || report->rtt_ms_known_case || report->error[0])
        add_ping(probing, turn, report);
    if (report->done) {
        show_pings(turn, probing, report);
        return false;
    }
    struct view *view = view_new();
    view_title(view, "⏳ %s", probing->what);
    if (probing->lines.len > 0)
        view_code(view, buf_text(&probing->lines));
    turn_progress(turn, view);
    return true;
}

static void on_ping_end(struct turn *turn,
                        void *arg,
                        enum grpc_status status,
                        const char *message) {
    fail(turn, arg, status, message);
}

void act_probes_ping(struct turn *turn) {
    static const struct turn_stream_events events = {
        .on_message = on_ping,
        .on_end = on_ping_end,
    };
    Roost__V1__PingRequest request = ROOST__V1__PING_REQUEST__INIT;
    const char *word = turn_word(turn, 1);
    uint64_t count = PINGS_USUAL;

    if (word && (!act_text_number(word, PINGS_MAX, &count) || count == 0)) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no number of packets up to %d"),
                      word, PINGS_MAX);
        return;
    }
    struct probing *probing =
        begin(turn, "ping", turn_say(turn, "Which host is to be asked? Write its name."));
    if (!probing)
        return;
    request.host = probing->target;
    request.count = (uint32_t)count;
    turn_stream(turn, turn_node(turn), "/roost.v1.Probe/Ping", &request.base, &events,
                probing);
}

/* --- tcp --- */

static void on_tcp(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    const Roost__V1__TcpProbeResponse *response =
        (const Roost__V1__TcpProbeResponse *)reply;
    const struct probing *probing = arg;

    if (status != GRPC_OK) {
        fail(turn, probing, status, message);
        return;
    }
    struct view *view = result_view(probing, response->ok);
    if (response->address[0])
        view_field(view, turn_say(turn, "Address"), "%s", response->address);
    if (response->ok)
        view_field(view, turn_say(turn, "Connected in"), "%.1f ms", response->connect_ms);
    if (response->error[0])
        view_text(view, "%s", response->error);
    finish(turn, probing, view);
}

/* "host:22", "[::1]:22", or "host" with the port as the next word: a new string; NULL. */
static char *parse_tcp(const struct turn *turn, uint32_t *ret_port) {
    const char *target = turn_word(turn, 0);
    const char *port = turn_word(turn, 1);
    size_t len = strlen(target);
    uint64_t number;

    if (!port) {
        const char *colon = strrchr(target, ':');
        if (!colon)
            return NULL;
        len = (size_t)(colon - target);
        port = colon + 1;
    }
    if (!act_text_number(port, 65535, &number) || number == 0 || len == 0)
        return NULL;
    *ret_port = (uint32_t)number;
    bool is_bracketed = target[0] == '[' && target[len - 1] == ']' && len > 2;
    return is_bracketed ? mem_dup(target + 1, len - 2) : mem_dup(target, len);
}

void act_probes_tcp(struct turn *turn) {
    Roost__V1__TcpProbeRequest request = ROOST__V1__TCP_PROBE_REQUEST__INIT;
    struct probing *probing =
        begin(turn, "tcp", turn_say(turn, "Which address is to be connected? HOST:PORT"));

    if (!probing)
        return;
    auto_(mem_freep) char *host = parse_tcp(turn, &request.port);
    if (!host) {
        turn_complain(turn, turn_say(turn, "\"%s\" is no HOST:PORT"), probing->target);
        return;
    }
    request.host = host;
    turn_call(turn, turn_node(turn), "/roost.v1.Probe/Tcp", &request.base, on_tcp,
              probing);
}

/* --- http --- */

static void add_certificate(struct turn *turn,
                            struct view *view,
                            const Roost__V1__Certificate *certificate) {
    if (!certificate)
        return;
    if (certificate->error[0])
        view_field(view, turn_say(turn, "Certificate"), "⚠️ %s", certificate->error);
    else
        view_field(view, turn_say(turn, "Certificate"),
                   turn_say(turn, "good for %.0f more days"), certificate->days_left);
}

static void on_http(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__HttpProbeResponse *response =
        (const Roost__V1__HttpProbeResponse *)reply;
    const struct probing *probing = arg;

    if (status != GRPC_OK) {
        fail(turn, probing, status, message);
        return;
    }
    struct view *view = result_view(probing, response->ok);
    if (response->status > 0) {
        view_field(view, turn_say(turn, "Status"), "%u", response->status);
        view_field(view, turn_say(turn, "First byte"), "%.0f ms",
                   response->first_byte_ms);
        view_field(view, turn_say(turn, "Whole answer"), "%.0f ms", response->total_ms);
    }
    if (response->location[0]) {
        auto_(mem_freep) char *location = act_text_cut(response->location, TITLE_MAX);
        view_field(view, turn_say(turn, "Leads to"), "%s", location);
    }
    add_certificate(turn, view, response->certificate);
    if (response->error[0])
        view_text(view, "%s", response->error);
    finish(turn, probing, view);
}

void act_probes_http(struct turn *turn) {
    Roost__V1__HttpProbeRequest request = ROOST__V1__HTTP_PROBE_REQUEST__INIT;
    struct probing *probing = begin(
        turn, "http", turn_say(turn, "Which page is to be fetched? Write its address."));

    if (!probing)
        return;
    auto_(mem_freep) char *url = strstr(probing->target, "://")
                                     ? mem_strdup(probing->target)
                                     : mem_printf("http://%s", probing->target);
    request.url = url;
    request.redirects = REDIRECTS;
    turn_call(turn, turn_node(turn), "/roost.v1.Probe/Http", &request.base, on_http,
              probing);
}

/* --- dns --- */

static void on_dns(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    const Roost__V1__DnsProbeResponse *response =
        (const Roost__V1__DnsProbeResponse *)reply;
    const struct probing *probing = arg;

    if (status != GRPC_OK) {
        fail(turn, probing, status, message);
        return;
    }
    struct view *view = result_view(probing, response->ok);
    view_field(view, turn_say(turn, "Answer"), turn_say(turn, "%s, in %.1f ms"),
               response->rcode[0] ? response->rcode : "-", response->time_ms);
    if (response->server[0])
        view_field(view, turn_say(turn, "Server"), "%s", response->server);
    struct buf lines = { 0 };
    for (size_t i = 0; i < response->n_records && i < RECORDS_MAX; i++) {
        const Roost__V1__DnsRecord *record = response->records[i];
        auto_(mem_freep) char *data = act_text_cut(record->data, TITLE_MAX);
        buf_printf(&lines, "%s%s  %s  %s", i > 0 ? "\n" : "", record->name, record->type,
                   data);
    }
    if (lines.len > 0)
        view_code(view, buf_text(&lines));
    buf_done(&lines);
    if (response->error[0])
        view_text(view, "%s", response->error);
    finish(turn, probing, view);
}

void act_probes_dns(struct turn *turn) {
    Roost__V1__DnsProbeRequest request = ROOST__V1__DNS_PROBE_REQUEST__INIT;
    const char *type = turn_word(turn, 1);
    const char *server = turn_flag(turn, "server");
    struct probing *probing =
        begin(turn, "dns", turn_say(turn, "Which name is to be looked up?"));

    if (!probing)
        return;
    request.name = probing->target;
    request.type = pb_lend(type);
    request.server = pb_lend(server);
    turn_call(turn, turn_node(turn), "/roost.v1.Probe/Dns", &request.base, on_dns,
              probing);
}
