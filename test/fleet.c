/*
 * fleet - many agents in one program that send samples and count what is acknowledged
 *
 *   fleet --hub LINK --agents N --interval S --seconds T [options]
 *
 * Each agent joins with the (reusable) link, keeps a link of its own over TLS and takes
 * metrics that are made up (fleet_values.h) into a spool of its own, by the very code of
 * roost-agent. After T seconds no more is taken; then the hub has --grace seconds to
 * acknowledge the rest. Ends with a line for each figure, or --json, and with 0 when
 * every sample that was taken is durable, else 1.
 *
 *   --prefix P      nodes are called P-0, P-1, ... (fleet)
 *   --metrics M     series of an agent (30)
 *   --seed X        of the metrics (1)
 *   --state DIR     keeps identities, so that a restart is the same fleet
 *   --spool-dir DIR keeps spools on disk as well
 *   --spool-hours H, --spool-bytes B   bounds of each spool (24, 1 MiB)
 *   --grace S       (60)
 *   --backoff-max S the longest wait between two attempts (5)
 *   --boot-id HEX   another one than the kernel's, as after a restart of the host
 *   --report FILE   appends a line for each sample that is in a spool:
 *                   NAME EPOCH(hex) SEQ BOOT_MS WALL_MS
 *   --json, --verbose
 *
 * SIGUSR1 cuts all links; SIGTERM and SIGINT end before the time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/host/boot_id.h"
#include "agent/spool/spool_sync.h"
#include "base/hex.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/token.h"
#include "fleet_agent.h"
#include "fleet_values.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/tls.h"

enum { AGENTS_MAX = 18000, AT_ONCE = 64, LOOK_MS = 200 };

struct fleet {
    struct fleet_agent_config config;
    struct token_link link;
    struct fleet_values values;
    struct fleet_agent **agents; /* owned */
    size_t count;
    struct fleet_agent **idle; /* owned; those that wait for their turn to dial: a ring */
    size_t idle_first;
    size_t idle_count;
    size_t dialling;
    const char *prefix;      /* borrowed: argv */
    const char *report_path; /* borrowed: argv; or NULL */
    int report;              /* owned descriptor; -1 without */
    uint64_t seconds;
    uint64_t grace_s;
    uint64_t metrics;
    uint64_t seed;
    uint64_t backoff_max_ms;
    bool is_json;
    struct timer end;  /* of taking, then of the grace time */
    struct timer look; /* whether all is acknowledged */
    bool is_paused;
    int status;
};

struct totals {
    uint64_t taken;
    uint64_t loaded;
    uint64_t sent;
    uint64_t durable;
    uint64_t waiting;
    uint64_t lost;
    uint64_t links;
    uint64_t linked;
    uint64_t failed;
};

static void add_up(const struct fleet *fleet, struct totals *ret_totals) {
    struct totals totals = { 0 };

    for (size_t i = 0; i < fleet->count; i++) {
        struct fleet_agent_stats stats;
        fleet_agent_get_stats(fleet->agents[i], &stats);
        totals.taken += stats.spool.taken;
        totals.loaded += stats.spool.loaded;
        totals.sent += stats.spool.told;
        totals.durable += stats.spool.durable;
        totals.waiting += stats.spool.waiting;
        totals.lost += stats.spool.dropped;
        totals.links += stats.links;
        totals.failed += stats.failed;
        totals.linked += stats.is_linked;
    }
    *ret_totals = totals;
}

static void print_totals(const struct fleet *fleet, const struct totals *totals) {
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        { "agents", fleet->count },
        { "linked", totals->linked },
        { "taken", totals->taken },
        { "loaded", totals->loaded },
        { "sent", totals->sent },
        { "acknowledged", totals->durable },
        { "waiting", totals->waiting },
        { "lost", totals->lost },
        { "links", totals->links },
        { "failed", totals->failed },
        { "reconnects", totals->links > fleet->count ? totals->links - fleet->count : 0 },
    };
    size_t count = sizeof(rows) / sizeof(rows[0]);

    if (fleet->is_json)
        printf("{");
    for (size_t i = 0; i < count; i++)
        printf(fleet->is_json ? "%s\"%s\": %" PRIu64 : "%s%s %" PRIu64 "\n",
               fleet->is_json && i > 0 ? ", " : "", rows[i].name, rows[i].value);
    if (fleet->is_json)
        printf("}\n");
    fflush(stdout);
}

static void finish(struct fleet *fleet) {
    struct totals totals;

    timer_stop(&fleet->end);
    timer_stop(&fleet->look);
    add_up(fleet, &totals);
    print_totals(fleet, &totals);
    fleet->status = totals.waiting > 0 || totals.lost > 0;
    loop_stop(fleet->config.loop);
}

static void on_look(struct timer *timer) {
    struct fleet *fleet = container_of(timer, struct fleet, look);
    struct totals totals;

    add_up(fleet, &totals);
    if (totals.waiting == 0)
        finish(fleet);
    else
        timer_start(fleet->config.loop, timer, LOOK_MS);
}

/* No more is taken; now all must become durable. */
static void pause_all(struct fleet *fleet) {
    fleet->is_paused = true;
    for (size_t i = 0; i < fleet->count; i++)
        fleet_agent_pause(fleet->agents[i]);
    timer_start(fleet->config.loop, &fleet->end, fleet->grace_s * 1000);
    timer_start(fleet->config.loop, &fleet->look, 0);
}

static void on_end(struct timer *timer) {
    struct fleet *fleet = container_of(timer, struct fleet, end);

    if (fleet->is_paused)
        finish(fleet);
    else
        pause_all(fleet);
}

static void on_signal(void *arg, int signo) {
    struct fleet *fleet = arg;

    if (fleet->is_paused)
        finish(fleet);
    else
        pause_all(fleet);
}

static void on_cut(void *arg, int signo) {
    struct fleet *fleet = arg;

    for (size_t i = 0; i < fleet->count; i++)
        fleet_agent_cut(fleet->agents[i]);
}

static void on_taken(void *arg,
                     const struct fleet_agent *agent,
                     struct spool_cursor cursor,
                     struct spool_anchor at) {
    const struct fleet *fleet = arg;
    char line[256];

    if (fleet->report < 0)
        return;
    int len = snprintf(
        line, sizeof(line), "%s %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRId64 "\n",
        fleet_agent_name(agent), cursor.epoch, cursor.seq, at.boot_ms, at.wall_ms);
    if (write(fleet->report, line, (size_t)len) != len) {
        log_error("%s: %s", fleet->report_path, strerror(errno));
        loop_stop(fleet->config.loop);
    }
}

static void dial_more(struct fleet *fleet) {
    while (fleet->idle_count > 0 && fleet->dialling < AT_ONCE) {
        struct fleet_agent *agent = fleet->idle[fleet->idle_first];
        fleet->idle_first = (fleet->idle_first + 1) % fleet->count;
        fleet->idle_count--;
        fleet->dialling++;
        fleet_agent_dial(agent);
    }
}

static void on_idle(void *arg, struct fleet_agent *agent) {
    struct fleet *fleet = arg;

    fleet->idle[(fleet->idle_first + fleet->idle_count++) % fleet->count] = agent;
    dial_more(fleet);
}

static void on_dialled(void *arg, struct fleet_agent *agent) {
    struct fleet *fleet = arg;

    fleet->dialling--;
    dial_more(fleet);
}

static int make_agents(struct fleet *fleet) {
    fleet->agents = mem_new_array(fleet->count, sizeof(struct fleet_agent *));
    fleet->idle = mem_new_array(fleet->count, sizeof(struct fleet_agent *));
    for (size_t i = 0; i < fleet->count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s-%zu", fleet->prefix, i);
        int r = fleet_agent_new(&fleet->config, name, &fleet->agents[i]);
        if (r < 0) {
            fprintf(stderr, "fleet: %s: %s\n", name, strerror(-r));
            return 1;
        }
    }
    return 0;
}

struct signals {
    struct loop_signal *term;
    struct loop_signal *interrupt;
    struct loop_signal *cut;
};

/* Before the first sample is reported, so that who reads the report may send signals. */
static void watch_signals(struct fleet *fleet, struct signals *signals) {
    struct loop *loop = fleet->config.loop;

    signals->term = loop_signal_new(loop, SIGTERM, on_signal, fleet);
    signals->interrupt = loop_signal_new(loop, SIGINT, on_signal, fleet);
    signals->cut = loop_signal_new(loop, SIGUSR1, on_cut, fleet);
}

static void forget_signals(struct signals *signals) {
    loop_signal_free(signals->term);
    loop_signal_free(signals->interrupt);
    loop_signal_free(signals->cut);
}

static void run_loop(struct fleet *fleet) {
    struct loop *loop = fleet->config.loop;

    timer_start(loop, &fleet->end, fleet->seconds * 1000);
    loop_run(loop);
    timer_stop(&fleet->end);
    timer_stop(&fleet->look);
}

static int run(struct fleet *fleet) {
    struct tls_trust trust = { .pin = fleet->link.pin[0] ? fleet->link.pin : NULL };
    struct signals signals;

    fleet->report = -1;
    if (fleet->report_path) {
        fleet->report =
            open(fleet->report_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fleet->report < 0) {
            fprintf(stderr, "fleet: %s: %s\n", fleet->report_path, strerror(errno));
            return 1;
        }
    }
    if (tls_client_new(&trust, NULL, &fleet->config.tls) != 0)
        return 1;
    fleet->config.loop = loop_new();
    fleet->config.sync = spool_sync_new(fleet->config.loop);
    fleet_values_init(&fleet->values, fleet->metrics, fleet->seed);
    watch_signals(fleet, &signals);
    fleet->status = make_agents(fleet);
    if (fleet->status == 0)
        run_loop(fleet);
    forget_signals(&signals);
    for (size_t i = 0; i < fleet->count; i++)
        fleet_agent_free(fleet->agents[i]);
    fleet_values_done(&fleet->values);
    spool_sync_free(fleet->config.sync);
    loop_free(fleet->config.loop);
    tls_client_free(fleet->config.tls);
    free(fleet->agents);
    free(fleet->idle);
    if (fleet->report >= 0)
        close(fleet->report);
    return fleet->status;
}

/* Options that are numbers, and where they go. */
static bool set_number(struct fleet *fleet, const char *name, const char *text) {
    const struct {
        const char *name;
        uint64_t *at;
        uint64_t unit;
    } rows[] = {
        { "agents", &fleet->count, 1 },
        { "interval", &fleet->config.interval_ms, 1000 },
        { "seconds", &fleet->seconds, 1 },
        { "metrics", &fleet->metrics, 1 },
        { "seed", &fleet->seed, 1 },
        { "grace", &fleet->grace_s, 1 },
        { "spool-hours", &fleet->config.span_ms, 3600000 },
        { "spool-bytes", &fleet->config.spool_bytes, 1 },
        { "backoff-max", &fleet->backoff_max_ms, 1000 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *end;
        if (strcmp(rows[i].name, name) != 0)
            continue;
        double number = strtod(text, &end);
        *rows[i].at = (uint64_t)(number * (double)rows[i].unit);
        return *end == '\0' && number >= 0;
    }
    return false;
}

static bool set_text(struct fleet *fleet, const char *name, const char *text) {
    if (strcmp(name, "hub") == 0)
        return token_link_parse(text, &fleet->link) == 0;
    if (strcmp(name, "prefix") == 0)
        fleet->prefix = text;
    else if (strcmp(name, "state") == 0)
        fleet->config.state = text;
    else if (strcmp(name, "spool-dir") == 0)
        fleet->config.spool_dir = text;
    else if (strcmp(name, "report") == 0)
        fleet->report_path = text;
    else if (strcmp(name, "boot-id") == 0)
        return hex_decode(fleet->config.boot_id, SPOOL_BOOT_ID_LEN, text);
    else
        return set_number(fleet, name, text);
    return true;
}

static bool read_args(struct fleet *fleet, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0)
            return false;
        const char *name = argv[i] + 2;
        if (strcmp(name, "json") == 0)
            fleet->is_json = true;
        else if (strcmp(name, "verbose") == 0)
            log_set_level(LOG_LEVEL_DEBUG);
        else if (++i == argc || !set_text(fleet, name, argv[i]))
            return false;
    }
    return fleet->link.address_count > 0 && fleet->count > 0 &&
           fleet->count <= AGENTS_MAX && fleet->config.interval_ms > 0 &&
           fleet->metrics <= FLEET_VALUES_MAX &&
           fleet->config.spool_bytes >= SPOOL_BYTES_MIN;
}

int main(int argc, char **argv) {
    struct fleet fleet = {
        .config = {
            .values = &fleet.values,
            .link = &fleet.link,
            .interval_ms = 5000,
            .span_ms = 24 * 3600000,
            .spool_bytes = 1 << 20,
            .on_taken = on_taken,
            .on_dialled = on_dialled,
            .on_idle = on_idle,
            .arg = &fleet,
        },
        .prefix = "fleet",
        .seconds = 60,
        .grace_s = 60,
        .metrics = 30,
        .seed = 1,
        .backoff_max_ms = 5000,
        .end.fire = on_end,
        .look.fire = on_look,
    };

    log_set_level(LOG_LEVEL_WARNING);
    boot_id_read(fleet.config.boot_id);
    if (!read_args(&fleet, argc, argv)) {
        fprintf(stderr, "usage: fleet --hub LINK --agents N [--interval S] [--seconds T] "
                        "(see test/fleet.c)\n");
        return 2;
    }
    fleet.config.backoff_max_ms = (unsigned)fleet.backoff_max_ms;
    return run(&fleet);
}
