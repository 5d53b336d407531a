#include "loop/dialler_race.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/conn.h"
#include "loop/conn_tcp.h"
#include "loop/loop.h"
#include "loop/netaddr.h"
#include "loop/timer.h"

enum {
    STAGGER_MS = 250, /* RFC 8305, section 8: Connection Attempt Delay */
    WHY_LEN = 160,
};

struct attempt {
    struct dialler_race *race; /* borrowed: owns this */
    struct conn *conn;         /* owned; NULL when not tried yet, or failed */
    struct sockaddr_storage address;
};

struct dialler_race {
    struct loop *loop; /* borrowed: the dialler's */
    dialler_race_done *on_done;
    void *arg; /* borrowed: the dialler */
    struct timer stagger;
    size_t count;
    size_t started;
    size_t failed;
    bool has_telling_error; /* why is more than "no route" */
    char why[WHY_LEN];
    struct attempt attempts[DIALLER_RACE_MAX];
};

/* Hosts without IPv6 have such errors for each IPv6 address: the others tell more. */
static bool is_telling(int error) {
    return error != -ENETUNREACH && error != -EADDRNOTAVAIL && error != -EAFNOSUPPORT;
}

static void explain(struct dialler_race *race, const struct attempt *attempt, int error) {
    char address[NETADDR_TEXT_LEN];

    if (!is_telling(error) && race->has_telling_error)
        return;
    race->has_telling_error = is_telling(error);
    netaddr_print(&attempt->address, address);
    if (error == -ECONNREFUSED)
        snprintf(race->why, WHY_LEN, "connection refused by %s", address);
    else if (error == -ETIMEDOUT)
        snprintf(race->why, WHY_LEN, "no answer from %s", address);
    else if (error == -EHOSTUNREACH || error == -ENETUNREACH)
        snprintf(race->why, WHY_LEN, "no route to %s", address);
    else
        snprintf(race->why, WHY_LEN, "cannot connect to %s: %s", address,
                 strerror(-error));
}

static void start_next(struct dialler_race *race);

static void take_failure(struct dialler_race *race, struct attempt *attempt, int error) {
    explain(race, attempt, error);
    conn_close(TAKE(attempt->conn));
    race->failed++;
    if (race->failed == race->count)
        race->on_done(race->arg, NULL, race->why); /* the race may be gone here */
    else if (race->started < race->count)
        start_next(race);
}

static void on_connected(void *arg, int status) {
    struct attempt *attempt = arg;
    struct dialler_race *race = attempt->race;

    if (status < 0) {
        take_failure(race, attempt, status);
        return;
    }
    timer_stop(&race->stagger);
    race->on_done(race->arg, TAKE(attempt->conn), NULL);
}

static void start_next(struct dialler_race *race) {
    struct attempt *attempt = &race->attempts[race->started++];

    attempt->conn =
        conn_tcp_connect(race->loop, &attempt->address, on_connected, attempt);
    if (race->started < race->count)
        timer_start(race->loop, &race->stagger, STAGGER_MS);
    else
        timer_stop(&race->stagger);
}

static void on_stagger(struct timer *timer) {
    start_next(container_of(timer, struct dialler_race, stagger));
}

/* The index of the next address of this (or not this) kind from `from` on. */
static size_t find_family(const struct sockaddr_storage *addresses,
                          size_t count,
                          size_t from,
                          bool is_v6) {
    while (from < count && (addresses[from].ss_family == AF_INET6) != is_v6)
        from++;
    return from;
}

/* The families take turns, within a family the resolver's order counts (RFC 8305, 4). */
static void interleave(struct dialler_race *race,
                       const struct sockaddr_storage *addresses,
                       size_t count) {
    size_t next[2] = { find_family(addresses, count, 0, false),
                       find_family(addresses, count, 0, true) };
    bool is_v6 = true;

    while (race->count < count) {
        if (next[is_v6] == count)
            is_v6 = !is_v6;
        struct attempt *attempt = &race->attempts[race->count++];
        attempt->race = race;
        attempt->address = addresses[next[is_v6]];
        next[is_v6] = find_family(addresses, count, next[is_v6] + 1, is_v6);
        is_v6 = !is_v6;
    }
}

struct dialler_race *dialler_race_new(struct loop *loop,
                                      const struct sockaddr_storage *addresses,
                                      size_t count,
                                      dialler_race_done *on_done,
                                      void *arg) {
    struct dialler_race *race = mem_new(sizeof(*race));

    race->loop = loop;
    race->on_done = on_done;
    race->arg = arg;
    race->stagger.fire = on_stagger;
    interleave(race, addresses, count < DIALLER_RACE_MAX ? count : DIALLER_RACE_MAX);
    start_next(race);
    return race;
}

struct dialler_race *dialler_race_free(struct dialler_race *race) {
    if (!race)
        return NULL;
    timer_stop(&race->stagger);
    for (size_t i = 0; i < race->started; i++)
        if (race->attempts[i].conn)
            conn_close(race->attempts[i].conn);
    free(race);
    return NULL;
}
