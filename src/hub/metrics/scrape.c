#include "hub/metrics/scrape.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/version.h"
#include "hub/link/session.h"
#include "hub/metrics/process_stat.h"
#include "hub/metrics/prometheus.h"
#include "hub/metrics/remote_writer.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/samples/latest.h"
#include "loop/listener.h"
#include "rpc/actor.h"
#include "rpc/connect.h"
#include "rpc/exchange.h"
#include "rpc/link.h"
#include "store/store.h"
#include "wire/exposition.h"
#include "wire/grpc.h"

static const char PATH[] = "/metrics";
static const char OPENMETRICS[] = "application/openmetrics-text";

enum { SELECT_MAX = 4096 };

struct scrape {
    struct scrape_config config;
};

struct scrape *scrape_new(const struct scrape_config *config) {
    struct scrape *scrape = mem_new(sizeof(*scrape));
    scrape->config = *config;
    return scrape;
}

struct scrape *scrape_free(struct scrape *scrape) {
    free(scrape);
    return NULL;
}

bool scrape_is_asked(const struct exchange *exchange) {
    const char *path = exchange_path(exchange);
    size_t len = sizeof(PATH) - 1;
    return strncmp(path, PATH, len) == 0 && (path[len] == '\0' || path[len] == '?');
}

/* --- the hub itself --- */

static void add_gauge(struct exposition *out,
                      const char *name,
                      const char *unit,
                      const char *help,
                      double value) {
    exposition_family(out, name, EXPOSITION_GAUGE, unit, help);
    exposition_sample(out, NULL, 0, value);
}

static void add_process(struct exposition *out) {
    struct process_stat stat;

    if (process_stat_read(&stat) != 0)
        return;
    exposition_family(out, "process_cpu_seconds", EXPOSITION_COUNTER, "seconds",
                      "CPU time of the hub, of programs and kernel");
    exposition_sample(out, NULL, 0, stat.cpu_s);
    add_gauge(out, "process_resident_memory_bytes", "bytes", "Memory of the hub",
              (double)stat.resident_bytes);
    add_gauge(out, "process_open_fds", NULL, "Descriptors that the hub has open",
              (double)stat.fds);
    add_gauge(out, "process_max_fds", NULL, "Descriptors that the hub may open",
              (double)stat.fds_max);
    add_gauge(out, "process_start_time_seconds", "seconds",
              "When the hub was started, since 1970", stat.start_s);
}

static void add_hub(const struct scrape *scrape, struct exposition *out) {
    struct exposition_label version = { "version", ROOST_VERSION };

    exposition_family(out, "roost_hub", EXPOSITION_INFO, NULL, "The hub");
    exposition_sample(out, &version, 1, 1);
    add_gauge(out, "roost_hub_links", NULL, "Live links of agents",
              (double)session_pool_count(scrape->config.sessions));
    add_gauge(out, "roost_hub_store_requests", NULL,
              "Writes that wait for the store or run",
              (double)store_waiting(scrape->config.store));
}

static void add_writer(const struct remote_writer *writer, struct exposition *out) {
    struct remote_writer_stats stats;
    struct exposition_label sent = { "outcome", "sent" };
    struct exposition_label refused = { "outcome", "refused" };
    struct exposition_label dropped = { "outcome", "dropped" };

    remote_writer_stats(writer, &stats);
    exposition_family(out, "roost_hub_remote_write_samples", EXPOSITION_COUNTER, NULL,
                      "Samples that were for the remote-write receiver, by what became "
                      "of them");
    exposition_sample(out, &sent, 1, (double)stats.sent);
    exposition_sample(out, &refused, 1, (double)stats.refused);
    exposition_sample(out, &dropped, 1, (double)stats.dropped);
    exposition_family(out, "roost_hub_remote_write_retries", EXPOSITION_COUNTER, NULL,
                      "Requests that had to be repeated");
    exposition_sample(out, NULL, 0, (double)stats.retries);
    add_gauge(out, "roost_hub_remote_write_waiting_bytes", "bytes",
              "Memory of samples that wait for the receiver",
              (double)stats.waiting_bytes);
}

/* --- nodes --- */

static void add_nodes(struct exposition *out, struct node *const *nodes, size_t count) {
    size_t online = 0;

    for (size_t i = 0; i < count; i++)
        online += nodes[i]->session != NULL;
    struct exposition_label on = { "state", "online" }, off = { "state", "offline" };
    exposition_family(out, "roost_hub_nodes", EXPOSITION_GAUGE, NULL, "Known nodes");
    exposition_sample(out, &on, 1, (double)online);
    exposition_sample(out, &off, 1, (double)(count - online));

    exposition_family(out, "roost_node_online", EXPOSITION_GAUGE, NULL,
                      "1: the node has a live link");
    for (size_t i = 0; i < count; i++) {
        struct exposition_label label = { "node", nodes[i]->name };
        exposition_sample(out, &label, 1, nodes[i]->session ? 1 : 0);
    }
    exposition_family(out, "roost_node_last_seen_timestamp_seconds", EXPOSITION_GAUGE,
                      "seconds", "When the node was last there, since 1970; 0: never");
    for (size_t i = 0; i < count; i++) {
        struct exposition_label label = { "node", nodes[i]->name };
        exposition_sample(out, &label, 1, (double)nodes[i]->last_seen_ms / 1000);
    }
}

/* Samples of one family, from all nodes. */
struct family {
    struct prometheus_name name;
    struct exposition samples;
    struct buf lines;
};

static struct family *family_of(struct map *families,
                                const struct prometheus_name *name,
                                bool is_text) {
    struct family *family = map_get(families, name->name);

    if (family)
        return family;
    family = mem_new(sizeof(*family));
    family->name = *name;
    family->samples = (struct exposition) {
        .out = &family->lines,
        .is_text = is_text,
        .name = family->name.name,
        .type = EXPOSITION_GAUGE,
    };
    map_put(families, name->name, family);
    return family;
}

static void add_values(struct map *families, const struct node *node, bool is_text) {
    const struct latest *latest = node->latest;
    double value;

    for (size_t i = 0; latest && i < latest->count; i++) {
        struct prometheus_name name;
        if (!latest_value(latest, i, &value))
            continue;
        prometheus_name(latest->metrics[i].name, latest->metrics[i].unit, &name);
        struct exposition_label labels[] = { { "node", node->name },
                                             { name.label, name.object } };
        exposition_sample(&family_of(families, &name, is_text)->samples, labels,
                          name.object ? 2 : 1, value * name.factor);
    }
}

static int compare_families(const void *a, const void *b) {
    const struct family *const *left = a, *const *right = b;
    return strcmp((*left)->name.name, (*right)->name.name);
}

static void add_families(struct exposition *out, struct map *families) {
    size_t count = map_count(families), at = 0, place = 0;
    struct family **sorted = mem_new_array(count, sizeof(*sorted));
    struct family *family;

    while ((family = map_next(families, &at, NULL)))
        sorted[place++] = family;
    qsort(sorted, count, sizeof(struct family *), compare_families);
    for (size_t i = 0; i < count; i++) {
        family = sorted[i];
        exposition_family(out, family->name.name, EXPOSITION_GAUGE, family->name.unit,
                          family->name.help);
        buf_add_slice(out->out, buf_slice(&family->lines));
        buf_done(&family->lines);
        free(family);
    }
    free(sorted);
}

static void add_latest(struct exposition *out, struct node *const *nodes, size_t count) {
    struct map *families = map_new();

    for (size_t i = 0; i < count; i++)
        if (nodes[i]->session)
            add_values(families, nodes[i], out->is_text);
    add_families(out, families);
    map_free(families);
}

/* --- the request --- */

/* "%40tag+x" without its escapes; NULL when they are damaged or the text is too long. */
static char *decode(const char *text, size_t len) {
    if (len > SELECT_MAX)
        return NULL;
    char *out = mem_new(len + 1);
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)text[i];
        char digits[3] = "";
        if (text[i] == '+')
            byte = ' ';
        if (text[i] == '%') {
            if (i + 2 < len)
                memcpy(digits, text + i + 1, 2);
            if (!hex_decode(&byte, 1, digits)) {
                free(out);
                return NULL;
            }
            i += 2;
        }
        out[at++] = (char)byte;
    }
    return out;
}

/* The selection of ?nodes=SELECT: NULL without one; "?nodes" alone and "*" are all. 0, or
 * -1 when the query makes no sense. */
static int read_query(const char *path, char **ret_select) {
    const char *query = strchr(path, '?');

    *ret_select = NULL;
    if (!query || !query[1])
        return 0;
    query++;
    if (strncmp(query, "nodes", 5) != 0 || (query[5] != '\0' && query[5] != '='))
        return -1;
    const char *value = query[5] ? query + 6 : "";
    char *select = decode(value, strlen(value));
    if (!select)
        return -1;
    if (strcmp(select, "*") == 0)
        select[0] = '\0';
    *ret_select = select;
    return 0;
}

static struct actor *identify(const struct scrape *scrape,
                              struct exchange *exchange,
                              const char **ret_why) {
    const char *secret = link_bearer(exchange->head, "authorization");
    struct access_token *token = NULL;

    *ret_why = "a credential is needed: Authorization: Bearer TOKEN (roost token new "
               "--caller NAME makes one)";
    if (!secret)
        return NULL;
    int64_t now_ms = clock_wall_ms();
    int r = access_find(scrape->config.access, secret, ACCESS_CALLER, now_ms, &token);
    if (r != 0) {
        *ret_why = access_error_text(r);
        return NULL;
    }
    token->used_ms = now_ms;
    listener_vouch(exchange->conn);
    return access_actor(token);
}

static int write_nodes(const struct scrape *scrape,
                       const struct actor *actor,
                       const char *select,
                       struct exposition *out,
                       char **ret_why) {
    struct node **nodes = NULL;
    size_t count = 0;

    int r = registry_select(scrape->config.registry, actor, "", &nodes, &count, ret_why);
    if (r != 0)
        return r;
    add_nodes(out, nodes, count);
    free(nodes);
    if (!select)
        return 0;
    r = registry_select(scrape->config.registry, actor, select, &nodes, &count, ret_why);
    if (r != 0)
        return r;
    add_latest(out, nodes, count);
    free(nodes);
    return 0;
}

static void answer(const struct scrape *scrape,
                   struct exchange *exchange,
                   const struct actor *actor,
                   const char *select) {
    struct buf body = { 0 };
    const char *accept = headers_get(exchange->head, "accept");
    struct exposition out = {
        .out = &body,
        .is_text = !accept || !strstr(accept, OPENMETRICS),
    };
    char *why = NULL;

    add_process(&out);
    add_hub(scrape, &out);
    if (scrape->config.writer)
        add_writer(scrape->config.writer, &out);
    if (write_nodes(scrape, actor, select, &out, &why) != 0) {
        connect_refuse(exchange, 404, GRPC_NOT_FOUND, why);
        free(why);
    } else {
        exposition_end(&out);
        exchange_answer(exchange, 200, exposition_media_type(out.is_text),
                        buf_slice(&body));
        exchange_release(exchange);
    }
    buf_done(&body);
}

void scrape_serve(struct scrape *scrape, struct exchange *exchange) {
    const char *method = exchange_method(exchange);
    const char *why = NULL;
    char *select = NULL;

    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        connect_refuse(exchange, 405, GRPC_UNIMPLEMENTED, "/metrics is for GET");
        return;
    }
    struct actor *actor = identify(scrape, exchange, &why);
    if (!actor)
        connect_refuse(exchange, 401, GRPC_UNAUTHENTICATED, why);
    else if (read_query(exchange_path(exchange), &select) != 0)
        connect_refuse(exchange, 400, GRPC_INVALID_ARGUMENT,
                       "/metrics takes ?nodes=SELECT and nothing else");
    else
        answer(scrape, exchange, actor, select);
    free(select);
    actor_unref(actor);
}
