/*
 * tcp - the two ends of a TCP connection that a bench measures
 *
 *   tcp serve                 listens on a port that it prints, a thread a connection:
 * "e" echoes, "s" and eight digits is a source of so many MiB tcp bulk PORT MIB reads so
 * much: MB/s tcp echo PORT COUNT       64 bytes there and back: p50, p99 in us tcp
 * connects PORT SECONDS THREADS    connects, echoes a byte, closes: per second
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 262144, THREADS_MAX = 64, PING = 64 };

static double now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool write_all(int fd, const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t len) {
    char *at = bytes;
    while (len > 0) {
        ssize_t n = read(fd, at, len);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static int dial(const char *port) {
    struct sockaddr_in to = { .sin_family = AF_INET };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_port = htons((uint16_t)atoi(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void echo_all(int fd, char *chunk) {
    ssize_t n;
    while ((n = read(fd, chunk, CHUNK)) > 0 && write_all(fd, chunk, (size_t)n))
        ;
}

static void send_all(int fd, char *chunk) {
    char digits[9] = "";

    if (!read_all(fd, digits, 8))
        return;
    uint64_t left = strtoull(digits, NULL, 10) << 20;
    while (left > 0) {
        size_t n = left < CHUNK ? (size_t)left : CHUNK;
        if (!write_all(fd, chunk, n))
            return;
        left -= n;
    }
}

static void *serve_one(void *arg) {
    int fd = (int)(intptr_t)arg;
    char *chunk = calloc(1, CHUNK);
    char kind;

    if (chunk && read_all(fd, &kind, 1)) {
        if (kind == 'e')
            echo_all(fd, chunk);
        else
            send_all(fd, chunk);
    }
    free(chunk);
    close(fd);
    return NULL;
}

static int serve(void) {
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1024) != 0)
        return 1;
    getsockname(fd, (struct sockaddr *)&at, &len);
    printf("ready on %d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        pthread_t thread;
        int peer = accept(fd, NULL, NULL);
        if (peer < 0)
            continue;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)peer) == 0)
            pthread_detach(thread);
        else
            close(peer);
    }
}

static int bulk(const char *port, const char *mib) {
    char *chunk = malloc(CHUNK);
    char head[16];
    uint64_t got = 0;
    ssize_t n;
    int fd = dial(port);

    snprintf(head, sizeof(head), "s%08d", atoi(mib));
    if (!chunk || fd < 0 || !write_all(fd, head, 9))
        return 1;
    double begin = now_s();
    while ((n = read(fd, chunk, CHUNK)) > 0)
        got += (uint64_t)n;
    double seconds = now_s() - begin;
    free(chunk);
    printf("{\"mb\": %.1f, \"whole\": %s}\n", (double)got / seconds / 1e6,
           got == (uint64_t)atoi(mib) << 20 ? "true" : "false");
    return 0;
}

static int compare(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int echo(const char *port, const char *count_text) {
    size_t count = (size_t)atoi(count_text);
    double *times = calloc(count + 1, sizeof(*times));
    char ping[PING] = "e";
    int fd = dial(port);

    if (!times || fd < 0 || !write_all(fd, "e", 1))
        return 1;
    for (size_t i = 0; i < count; i++) {
        double begin = now_s();
        if (!write_all(fd, ping, PING) || !read_all(fd, ping, PING))
            return 1;
        times[i] = (now_s() - begin) * 1e6;
    }
    qsort(times, count, sizeof(*times), compare);
    printf("{\"p50\": %.1f, \"p99\": %.1f}\n", times[count / 2], times[count * 99 / 100]);
    free(times);
    return 0;
}

struct connecting {
    const char *port;
    double until;
    unsigned long done;
    unsigned long failed;
};

static void *connect_often(void *arg) {
    struct connecting *it = arg;
    struct linger linger = { .l_onoff = 1 }; /* no port waits */
    char byte;

    while (now_s() < it->until) {
        int fd = dial(it->port);
        if (fd >= 0 && write_all(fd, "ex", 2) && read_all(fd, &byte, 1))
            it->done++;
        else
            it->failed++;
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
            close(fd);
        }
    }
    return NULL;
}

static int connects(const char *port, const char *seconds, const char *threads_text) {
    int threads = atoi(threads_text) < THREADS_MAX ? atoi(threads_text) : THREADS_MAX;
    pthread_t ids[THREADS_MAX];
    struct connecting all[THREADS_MAX] = { 0 };
    unsigned long done = 0, failed = 0;
    double begin = now_s();

    for (int i = 0; i < threads; i++) {
        all[i] = (struct connecting) { .port = port, .until = begin + atof(seconds) };
        pthread_create(&ids[i], NULL, connect_often, &all[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        done += all[i].done;
        failed += all[i].failed;
    }
    printf("{\"rate\": %.0f, \"failed\": %lu}\n", (double)done / (now_s() - begin),
           failed);
    return 0;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return serve();
    if (argc == 4 && strcmp(argv[1], "bulk") == 0)
        return bulk(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "echo") == 0)
        return echo(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "connects") == 0)
        return connects(argv[2], argv[3], argv[4]);
    fprintf(stderr, "tcp serve | bulk PORT MIB | echo PORT COUNT | connects PORT "
                    "SECONDS THREADS\n");
    return 2;
}
