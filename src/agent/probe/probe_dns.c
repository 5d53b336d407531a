#include "agent/probe/probe_dns.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/probe/probes.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/datagram.h"
#include "loop/dialler.h"
#include "loop/lookup.h"
#include "loop/loop.h"
#include "loop/netaddr.h"
#include "loop/timer.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/invocation.h"
#include "wire/dns.h"
#include "wire/pb.h"

enum {
    PORT = 53,
    TIMEOUT_MS = 5000,
    TIMEOUT_MAX_MS = 60000,
    AGAIN_MS = 1500, /* a datagram that got lost is sent again, twice */
    TRIES = 3,
    RESOLV_MAX = 65536,
};

struct asking {
    struct probe probe;
    struct loop *loop;         /* borrowed: outlives probes */
    struct lookup *lookup;     /* owned, and so is all that follows; NULL: not now */
    struct datagram *datagram; /* by UDP */
    struct dial *dial;         /* by TCP */
    struct conn *conn;
    struct buf in;     /* of TCP */
    struct buf packed; /* the question */
    char *name;
    struct dns_question question;
    struct timer again;
    struct timer late;
    unsigned tries;
    unsigned timeout_ms;
    uint64_t begun_us;
    bool was_cut; /* by UDP */
    struct sockaddr_storage server;
    char server_text[NETADDR_TEXT_LEN];
};

static void on_end(struct probe *probe) {
    struct asking *asking = container_of(probe, struct asking, probe);

    lookup_cancel(asking->lookup);
    datagram_close(asking->datagram);
    dialler_cancel(asking->dial);
    if (asking->conn)
        conn_close(asking->conn);
    timer_stop(&asking->again);
    timer_stop(&asking->late);
    buf_done(&asking->in);
    buf_done(&asking->packed);
    free(asking->name);
    free(asking);
}

/* --- the answer --- */

static void begin_response(const struct asking *asking,
                           Roost__V1__DnsProbeResponse *response) {
    roost__v1__dns_probe_response__init(response);
    response->server = pb_lend(asking->server_text);
    response->time_ms = (double)(loop_clock_us() - asking->begun_us) / 1000;
    response->truncated = asking->was_cut;
}

/* Ends the call; asking is gone. */
static void fail(struct asking *asking, const char *why) {
    Roost__V1__DnsProbeResponse response;

    begin_response(asking, &response);
    response.error = pb_lend(why);
    probes_reply(&asking->probe, &response.base);
}

/* The records of an answer as messages, which point into it. */
struct records {
    Roost__V1__DnsRecord items[DNS_RECORDS_MAX];
    Roost__V1__DnsRecord *pointers[DNS_RECORDS_MAX];
    char types[DNS_RECORDS_MAX][DNS_TYPE_TEXT_LEN];
};

static void fill_records(struct records *records, const struct dns_answer *answer) {
    for (size_t i = 0; i < answer->count; i++) {
        Roost__V1__DnsRecord *item = &records->items[i];
        roost__v1__dns_record__init(item);
        dns_type_print(answer->records[i].type, records->types[i]);
        item->name = answer->records[i].name;
        item->type = records->types[i];
        item->ttl_s = answer->records[i].ttl_s;
        item->data = answer->records[i].data;
        records->pointers[i] = item;
    }
}

/* Ends the call; asking is gone. */
static void succeed(struct asking *asking, const struct dns_answer *answer) {
    Roost__V1__DnsProbeResponse response;
    char rcode[DNS_RCODE_TEXT_LEN];
    auto_(mem_freep) void *memory = mem_new(sizeof(struct records));
    struct records *records = memory;

    begin_response(asking, &response);
    dns_rcode_print(answer->rcode, rcode);
    fill_records(records, answer);
    response.ok = answer->rcode == 0;
    response.rcode = rcode;
    response.authoritative = answer->is_authoritative;
    response.records = records->pointers;
    response.n_records = answer->count;
    probes_reply(&asking->probe, &response.base);
}

/* --- TCP --- */

/* Ends the call when the message is whole; asking is gone then. */
static void take_stream(struct asking *asking) {
    struct dns_answer answer;

    if (asking->in.len < 2)
        return;
    size_t len = (size_t)asking->in.data[0] << 8 | asking->in.data[1];
    if (asking->in.len - 2 < len)
        return;
    int r = dns_read(slice_of(asking->in.data + 2, len), &asking->question, &answer);
    if (r != 0) {
        fail(asking,
             r == DNS_E_OTHER ? "it answers another question" : "the answer is damaged");
        return;
    }
    if (answer.is_truncated)
        fail(asking, "the answer is cut, even by TCP");
    else
        succeed(asking, &answer);
    dns_answer_done(&answer);
}

static void on_bytes(void *owner, struct slice bytes) {
    struct asking *asking = owner;
    size_t room = DNS_MESSAGE_MAX + 2 - asking->in.len;

    buf_add(&asking->in, bytes.at, bytes.len < room ? bytes.len : room);
    take_stream(asking);
}

static void on_closed(void *owner, int reason) {
    fail(owner, "the server ended the connection without an answer");
}

static const struct conn_events conn_events = {
    .on_bytes = on_bytes,
    .on_closed = on_closed,
};

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step step,
                       const char *why) {
    struct asking *asking = arg;
    size_t len = asking->packed.len;
    const uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };

    asking->dial = NULL;
    if (!conn) {
        auto_(mem_freep) char *text =
            mem_printf("the answer by UDP was cut, and by TCP: %s", why);
        fail(asking, text);
        return;
    }
    asking->conn = conn;
    conn_set_owner(conn, &conn_events, asking);
    conn_send(conn, slice_of(head, sizeof(head)));
    conn_send(conn, buf_slice(&asking->packed));
}

static size_t keep_server(void *arg, struct sockaddr_storage *addresses, size_t count) {
    const struct asking *asking = arg;

    addresses[0] = asking->server; /* which was allowed */
    return 1;
}

static void ask_by_tcp(struct asking *asking) {
    struct dial_config config = {
        .host = asking->probe.to.host,
        .port = asking->probe.to.port,
        .timeout_ms = asking->timeout_ms,
        .keep = keep_server,
        .on_done = on_dialled,
        .arg = asking,
    };

    asking->was_cut = true;
    timer_stop(&asking->again);
    asking->datagram = datagram_close(asking->datagram);
    asking->dial = dialler_start(asking->loop, &config);
}

/* --- UDP --- */

static void on_datagram(void *owner, struct slice bytes, unsigned number) {
    struct asking *asking = owner;
    struct dns_answer answer;

    /* Anything else may be forged: the true answer may still come. */
    if (dns_read(bytes, &asking->question, &answer) != 0)
        return;
    if (answer.is_truncated)
        ask_by_tcp(asking);
    else
        succeed(asking, &answer);
    dns_answer_done(&answer);
}

static void on_error(void *owner, int error, const char *why, unsigned number) {
    fail(owner, why);
}

static const struct datagram_events datagram_events = { on_datagram, on_error };

static void send_question(struct asking *asking) {
    if (asking->tries++ == TRIES)
        return;
    timer_start(asking->loop, &asking->again, AGAIN_MS);
    int r = datagram_send(asking->datagram, buf_slice(&asking->packed), 0);
    if (r < 0)
        fail(asking, strerror(-r));
}

static void on_again(struct timer *timer) {
    send_question(container_of(timer, struct asking, again));
}

static void on_late(struct timer *timer) {
    struct asking *asking = container_of(timer, struct asking, late);
    auto_(mem_freep) char *why =
        mem_printf("%s: timed out after %u ms",
                   asking->lookup ? "cannot resolve the server's name" : "no answer",
                   asking->timeout_ms);

    fail(asking, why);
}

static void on_found(void *arg,
                     struct sockaddr_storage *addresses,
                     size_t count,
                     const char *why) {
    struct asking *asking = arg;
    const struct address *to = &asking->probe.to;

    asking->lookup = NULL;
    if (count == 0) {
        fail(asking, why);
        return;
    }
    if (probes_keep(&asking->probe, to->host, to->port, addresses, count) == 0) {
        probes_refuse(&asking->probe);
        return;
    }
    asking->server = addresses[0];
    netaddr_print(&addresses[0], asking->server_text);
    asking->begun_us = loop_clock_us();
    int r = datagram_open(asking->loop, DATAGRAM_UDP, &addresses[0], &datagram_events,
                          asking, &asking->datagram);
    if (r < 0)
        fail(asking, strerror(-r));
    else
        send_question(asking);
}

/* --- the question --- */

/* The first server of resolv.conf; false: there is none. */
static bool find_server(struct address *ret_server) {
    struct buf text = { 0 };
    char host[INET6_ADDRSTRLEN + 1] = "", *rest = NULL;

    if (file_read("/etc/resolv.conf", RESOLV_MAX, &text) != 0)
        return false;
    char *lines = buf_take_text(&text);
    for (char *line = strtok_r(lines, "\n", &rest); line && !host[0];
         line = strtok_r(NULL, "\n", &rest))
        if (sscanf(line, " nameserver %46s", host) != 1) /* INET6_ADDRSTRLEN */
            host[0] = '\0';
    free(lines);
    if (!address_is_host(slice_of_text(host)))
        return false;
    snprintf(ret_server->host, sizeof(ret_server->host), "%s", host);
    ret_server->port = PORT;
    return true;
}

/* "", "HOST" or "HOST:PORT". */
static bool read_server(const char *text, struct address *ret_server) {
    if (text[0] == '\0')
        return find_server(ret_server);
    if (address_is_host(slice_of_text(text))) {
        snprintf(ret_server->host, sizeof(ret_server->host), "%s", text);
        ret_server->port = PORT;
        return true;
    }
    return address_parse(slice_of_text(text), ret_server) == 0;
}

/* What is to be asked, packed: false when the invocation was answered. */
static bool read_question(struct asking *asking,
                          struct invocation *invocation,
                          const Roost__V1__DnsProbeRequest *ask) {
    const char *type = ask->type[0] ? ask->type : "A";

    asking->question.type = dns_type_parse(type);
    if (asking->question.type == 0) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "the type is none of A AAAA CNAME MX TXT NS SOA PTR SRV");
        return false;
    }
    if (asking->question.type == DNS_PTR)
        asking->name = dns_reverse_name(ask->name);
    if (!asking->name)
        asking->name = mem_strdup(ask->name);
    asking->question.name = asking->name;
    crypto_random(&asking->question.id, sizeof(asking->question.id));
    if (dns_write(&asking->question, &asking->packed) == 0)
        return true;
    invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                      "the name is missing, or cannot be a name of DNS (others than "
                      "ASCII are written as xn--...)");
    return false;
}

static bool read_request(struct asking *asking,
                         struct invocation *invocation,
                         const Roost__V1__DnsProbeRequest *ask) {
    struct address server;

    if (!read_question(asking, invocation, ask))
        return false;
    if (read_server(ask->server, &server)) {
        probes_set_place(&asking->probe, server.host, server.port);
        return true;
    }
    if (ask->server[0])
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "the server is not of the form HOST[:PORT]");
    else
        invocation_finish(invocation, GRPC_FAILED_PRECONDITION,
                          "/etc/resolv.conf of the host names no server: give one");
    return false;
}

void probe_dns(void *arg,
               struct invocation *invocation,
               const ProtobufCMessage *request) {
    const Roost__V1__DnsProbeRequest *ask = (const Roost__V1__DnsProbeRequest *)request;
    struct asking *asking = mem_new(sizeof(*asking));
    struct probes *probes = arg;

    if (!read_request(asking, invocation, ask) ||
        !probes_begin(probes, invocation, &asking->probe, on_end)) {
        buf_done(&asking->packed);
        free(asking->name);
        free(asking);
        return;
    }
    asking->loop = probes_config(probes)->loop;
    asking->timeout_ms = probes_limit(ask->timeout_ms, TIMEOUT_MS, TIMEOUT_MAX_MS);
    asking->begun_us = loop_clock_us();
    asking->again.fire = on_again;
    asking->late.fire = on_late;
    timer_start(asking->loop, &asking->late, asking->timeout_ms);
    asking->lookup = lookup_start(asking->loop, asking->probe.to.host,
                                  asking->probe.to.port, on_found, asking);
}
