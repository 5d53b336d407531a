/* What is asked of a server in another process, which answers as each row says. */
#include "agent/probe/http_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "loop/loop.h"

enum { TIMEOUT_MS = 10000, BODY_MAX = 64 };

/* What came of it. */
struct fetch {
    struct loop *loop;
    unsigned done_count;
    unsigned status;
    char error[256]; /* "": none */
    char body[BODY_MAX + 1];
    uint64_t bytes;
    bool is_denied;
};

struct server {
    pid_t child;
    unsigned port;
};

/* Answers each connection as soon as its request is whole. */
static void serve(int listening, const char *reply) {
    for (;;) {
        char request[4096];
        size_t len = 0;
        ssize_t got = 1;
        int fd = accept(listening, NULL, NULL);
        while (got > 0 && !(len >= 4 && memcmp(request + len - 4, "\r\n\r\n", 4) == 0)) {
            got = read(fd, request + len, sizeof(request) - len);
            len += got > 0 ? (size_t)got : 0;
        }
        (void)!write(fd, reply, strlen(reply));
        close(fd);
    }
}

static struct server start_server(const char *reply) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, len), 0);
    CHECK_INT(listen(fd, 8), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    struct server server = { .child = fork(), .port = ntohs(address.sin_port) };
    CHECK(server.child >= 0);
    if (server.child == 0)
        serve(fd, reply);
    close(fd);
    return server;
}

static void stop_server(const struct server *server) {
    CHECK_INT(kill(server->child, SIGKILL), 0);
    CHECK_INT(waitpid(server->child, NULL, 0), server->child);
}

static size_t keep_all(void *arg,
                       const char *host,
                       unsigned port,
                       struct sockaddr_storage *addresses,
                       size_t count) {
    return count;
}

static size_t keep_none(void *arg,
                        const char *host,
                        unsigned port,
                        struct sockaddr_storage *addresses,
                        size_t count) {
    return 0;
}

static bool on_body(void *arg, struct slice bytes) {
    struct fetch *fetch = arg;
    size_t len = strlen(fetch->body);

    CHECK(len + bytes.len <= BODY_MAX);
    memcpy(fetch->body + len, bytes.at, bytes.len);
    return true;
}

static void on_done(void *arg, const struct http_probe_result *result) {
    struct fetch *fetch = arg;

    fetch->done_count++;
    fetch->status = result->status;
    fetch->bytes = result->bytes;
    fetch->is_denied = result->is_denied;
    snprintf(fetch->error, sizeof(fetch->error), "%s",
             result->error ? result->error : "");
    loop_stop(fetch->loop);
}

static struct http_probe_config make_config(void) {
    return (struct http_probe_config) {
        .method = "GET",
        .timeout_ms = TIMEOUT_MS,
        .bytes_max = BODY_MAX,
        .redirects_max = 3,
        .keep = keep_all,
        .on_body = on_body,
        .on_done = on_done,
    };
}

/* Asks a server that answers everybody so. */
static struct fetch ask(struct http_probe_config config, const char *reply) {
    struct server server = start_server(reply);
    struct fetch fetch = { .loop = loop_new() };
    struct http_probe *probe;
    const char *why;
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/x", server.port);
    config.loop = fetch.loop;
    config.url = url;
    config.arg = &fetch;
    CHECK_INT(http_probe_start(&config, &probe, &why), 0);
    CHECK_INT(fetch.done_count, 0);
    loop_run(fetch.loop);
    CHECK_INT(fetch.done_count, 1);
    fetch.loop = loop_free(fetch.loop);
    stop_server(&server);
    return fetch;
}

static void answers_are_read_as_they_are(void) {
    static const struct row {
        const char *reply;
        unsigned status;
        const char *body;
        const char *error; /* a part of it; "": none */
    } rows[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", "" },
        { "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404, "", "" },
        { "HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end", "" },
        { "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 204 None\r\n\r\n", 204, "", "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", 200, "half", "was cut" },
        { "HTTP/1.1 302 Away\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, "",
          "more redirects than are followed" },
        { "HTTP/1.1 302 Away\r\nLocation: gopher://x/\r\nContent-Length: 0\r\n\r\n", 302,
          "", "no URL of the web" },
        { "HTTP/1.1 101 Other\r\n\r\n", 0, "", "answer" },
        { "SSH-2.0-x\r\n\r\n", 0, "", "no HTTP/1.x" },
        { "", 0, "", "before" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fetch fetch = ask(make_config(), rows[i].reply);
        CHECK_INT(fetch.status, rows[i].status);
        CHECK_TEXT(fetch.body, rows[i].body);
        CHECK(strstr(fetch.error, rows[i].error));
        CHECK_INT(fetch.error[0] == '\0', rows[i].error[0] == '\0');
    }
}

static void a_long_body_is_read_up_to_the_limit(void) {
    struct http_probe_config config = make_config();

    config.bytes_max = 3;
    struct fetch fetch =
        ask(config, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    CHECK_TEXT(fetch.body, "012");
    CHECK_INT(fetch.bytes, 3);
    CHECK_TEXT(fetch.error, "");
}

static void an_address_that_may_not_be_asked_is_not(void) {
    struct http_probe_config config = make_config();

    config.keep = keep_none;
    struct fetch fetch = ask(config, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    CHECK(fetch.is_denied);
    CHECK_INT(fetch.status, 0);
    CHECK(fetch.error[0]);
}

static void a_url_that_is_none_is_refused_at_once(void) {
    struct http_probe_config config = make_config();
    struct http_probe *probe = NULL;
    const char *why = NULL;

    config.loop = loop_new();
    config.url = "ftp://example.org/";
    CHECK_INT(http_probe_start(&config, &probe, &why), -EINVAL);
    CHECK(!probe && why);
    config.url = "http://127.0.0.1:1/";
    CHECK_INT(http_probe_start(&config, &probe, &why), 0);
    CHECK(!http_probe_cancel(probe));
    CHECK(!http_probe_cancel(NULL));
    CHECK(!loop_free(config.loop));
}

TESTS(TEST(answers_are_read_as_they_are),
      TEST(a_long_body_is_read_up_to_the_limit),
      TEST(an_address_that_may_not_be_asked_is_not),
      TEST(a_url_that_is_none_is_refused_at_once))
