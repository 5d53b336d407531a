/*
 * tcp - sockets, in all from sockstat, and by state from /proc/net/tcp and tcp6
 *
 * For the latter the kernel walks its whole table and writes a line for each socket,
 * which takes milliseconds on a busy server: they are read seldom, the more so the longer
 * it takes, and not at all while there are too many.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    TOTALS_EVERY_S = 5,
    STATES_EVERY_S = 30,
    SOCKETS_MAX = 5000, /* above, only the totals: some 15 ms of reading */
};

enum {
    ESTABLISHED,
    LISTEN,
    SYN_SENT,
    SYN_RECV,
    FIN_WAIT,
    CLOSE_WAIT,
    CLOSING,
    STATES,
    IS_TIME_WAIT = STATES, /* comes from the totals */
};

static const char *const names[STATES] = {
    [ESTABLISHED] = "tcp.established", [LISTEN] = "tcp.listen",
    [SYN_SENT] = "tcp.syn_sent",       [SYN_RECV] = "tcp.syn_recv",
    [FIN_WAIT] = "tcp.fin_wait",       [CLOSE_WAIT] = "tcp.close_wait",
    [CLOSING] = "tcp.closing",
};

/* The kernel's numbers (include/net/tcp_states.h), which the files show in hex. */
static const uint8_t state_of[] = {
    [0x01] = ESTABLISHED, [0x02] = SYN_SENT,     [0x03] = SYN_RECV, [0x04] = FIN_WAIT,
    [0x05] = FIN_WAIT,    [0x06] = IS_TIME_WAIT, [0x07] = CLOSING,  [0x08] = CLOSE_WAIT,
    [0x09] = CLOSING,     [0x0a] = LISTEN,       [0x0b] = CLOSING,  [0x0c] = SYN_RECV,
};

struct tcp {
    struct source totals[2], sockets[2]; /* IPv4 and IPv6 */
    uint64_t next_totals_ns, next_states_ns;
    uint64_t all;                         /* at the last reading of the totals */
    int total, time_wait, places[STATES]; /* places */
};

static void *tcp_new(const struct sampling *sampling) {
    struct tcp *tcp = mem_new(sizeof(*tcp));
    source_init(&tcp->totals[0], collector_proc_path(sampling, "net/sockstat"));
    source_init(&tcp->totals[1], collector_proc_path(sampling, "net/sockstat6"));
    source_init(&tcp->sockets[0], collector_proc_path(sampling, "net/tcp"));
    source_init(&tcp->sockets[1], collector_proc_path(sampling, "net/tcp6"));
    return tcp;
}

static void tcp_free(void *self) {
    struct tcp *tcp = self;
    for (size_t i = 0; i < 2; i++) {
        source_done(&tcp->totals[i]);
        source_done(&tcp->sockets[i]);
    }
    free(tcp);
}

static bool open_new(struct source *source) {
    return !source_is_open(source) && source_open(source) == 0;
}

static bool tcp_scan(void *self, struct sampling *sampling) {
    struct tcp *tcp = self;
    bool has_changed = open_new(&tcp->totals[0]);

    has_changed |= open_new(&tcp->sockets[0]);
    open_new(&tcp->totals[1]);
    open_new(&tcp->sockets[1]);
    return has_changed;
}

static void tcp_declare(void *self, struct sampling *sampling) {
    struct tcp *tcp = self;

    tcp->total = tcp->time_wait = -1;
    if (source_is_open(&tcp->totals[0])) {
        tcp->total = collector_add(sampling, "tcp.sockets", NULL);
        tcp->time_wait = collector_add(sampling, "tcp.time_wait", NULL);
    }
    for (size_t i = 0; i < STATES; i++)
        tcp->places[i] = source_is_open(&tcp->sockets[0])
                             ? collector_add(sampling, names[i], NULL)
                             : -1;
}

/* The number after " WORD " in the line that begins with a name; 0 when it is not there.
 */
static uint64_t number_after(const char *text, const char *line, const char *word) {
    uint64_t number = 0;
    const char *at = strstr(text, line);

    if (!at)
        return 0;
    const char *end = strchrnul(at, '\n');
    const char *found = strstr(at, word);
    if (!found || found > end)
        return 0;
    found += strlen(word);
    text_number(&found, &number);
    return number;
}

static void take_totals(struct tcp *tcp, struct sampling *sampling) {
    uint64_t time_wait = 0, used = 0;

    if (source_read(&tcp->totals[0], &sampling->page) == 0) {
        used = number_after(sampling->page.text, "TCP:", " inuse ");
        time_wait = number_after(sampling->page.text, "TCP:", " tw ");
    }
    if (source_read(&tcp->totals[1], &sampling->page) == 0)
        used += number_after(sampling->page.text, "TCP6:", " inuse ");
    tcp->all = used + time_wait;
    collector_set(sampling, tcp->total, (int64_t)used);
    collector_set(sampling, tcp->time_wait, (int64_t)time_wait);
}

/* "   0: 0100007F:1F90 00000000:0000 0A ...": counts the state. */
static void count_line(void *arg, const char *line) {
    int64_t *counts = arg;
    const char *word;
    size_t len;

    for (int i = 0; i < 4; i++)
        if (!text_word(&line, &word, &len))
            return;
    unsigned long state = strtoul(word, NULL, 16);
    if (len == 2 && state > 0 && state < sizeof(state_of) &&
        state_of[state] != IS_TIME_WAIT)
        counts[state_of[state]]++;
}

static void take_states(struct tcp *tcp, struct sampling *sampling) {
    int64_t counts[STATES] = { 0 };
    bool is_known = tcp->all <= SOCKETS_MAX;

    for (size_t i = 0; i < 2 && is_known; i++)
        if (source_is_open(&tcp->sockets[i]))
            source_each_line(&tcp->sockets[i], &sampling->page, count_line, counts);
    for (size_t i = 0; i < STATES; i++)
        collector_set(sampling, tcp->places[i], is_known ? counts[i] : SAMPLER_ABSENT);
}

static void tcp_take(void *self, struct sampling *sampling) {
    struct tcp *tcp = self;

    if (tcp->total >= 0 &&
        collector_is_due(sampling, &tcp->next_totals_ns, TOTALS_EVERY_S))
        take_totals(tcp, sampling);
    if (tcp->places[0] >= 0 &&
        collector_is_due(sampling, &tcp->next_states_ns, STATES_EVERY_S)) {
        uint64_t began_ns = collector_used_ns();
        take_states(tcp, sampling);
        collector_put_off(sampling, &tcp->next_states_ns, began_ns);
    }
}

const struct collector tcp_collector = {
    .new = tcp_new,
    .free = tcp_free,
    .scan = tcp_scan,
    .declare = tcp_declare,
    .take = tcp_take,
};
