#include "loop/dialler.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/check_folder.h"
#include "base/mem.h"
#include "loop/conn_tcp.h"
#include "loop/dialler_proxy.h"
#include "loop/dialler_race.h"
#include "loop/netaddr.h"
#include "loop/test_pair.h"
#include "loop/timer.h"

static const struct listener_limits limits = { 10000, 100, 100 };

/* Somebody who dials, and what comes of it. */
struct caller {
    struct loop *loop;
    struct conn *conn; /* owned */
    enum dial_step failed;
    char why[256];
    char steps[64];
    unsigned done_count;
};

static void on_step(void *arg, enum dial_step step, const char *text) {
    struct caller *caller = arg;
    size_t len = strlen(caller->steps);

    CHECK(text[0] != '\0');
    snprintf(caller->steps + len, sizeof(caller->steps) - len, "%s ",
             dialler_step_name(step));
}

static void on_done(void *arg,
                    struct conn *conn,
                    enum dial_step failed,
                    const char *why) {
    struct caller *caller = arg;

    caller->done_count++;
    caller->conn = conn;
    caller->failed = failed;
    CHECK(!conn == (why != NULL));
    snprintf(caller->why, sizeof(caller->why), "%s", why ? why : "");
    loop_stop(caller->loop);
}

static struct dial_config make_config(struct caller *caller, unsigned port) {
    return (struct dial_config) {
        .host = "127.0.0.1",
        .port = port,
        .timeout_ms = 5000,
        .on_step = on_step,
        .on_done = on_done,
        .arg = caller,
    };
}

/* Dials once on a loop of its own. */
static struct caller call(struct dial_config *config) {
    struct caller caller = { .loop = loop_new() };

    config->arg = &caller;
    CHECK(dialler_start(caller.loop, config));
    CHECK_INT(caller.done_count, 0);
    loop_run(caller.loop);
    CHECK_INT(caller.done_count, 1);
    if (caller.conn)
        conn_close(caller.conn);
    caller.loop = loop_free(caller.loop);
    return caller;
}

/* A socket that is bound but refuses. */
static int open_socket(int family, unsigned *ret_port, int backlog) {
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(netaddr_parse(family == AF_INET6 ? "::1" : "127.0.0.1", 0, &address));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, netaddr_len(&address)) < 0) {
        if (fd >= 0)
            close(fd);
        return -1; /* no IPv6 here */
    }
    if (backlog >= 0)
        CHECK_INT(listen(fd, backlog), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    char text[NETADDR_TEXT_LEN];
    netaddr_print(&address, text);
    *ret_port = test_pair_port(text);
    return fd;
}

static void a_refusal_names_the_address(void) {
    unsigned port;
    int fd = open_socket(AF_INET, &port, -1);
    struct dial_config config = make_config(NULL, port);
    char wanted[64];

    struct caller caller = call(&config);
    snprintf(wanted, sizeof(wanted), "connection refused by 127.0.0.1:%u", port);
    CHECK_TEXT(caller.why, wanted);
    CHECK_INT(caller.failed, DIAL_CONNECT);
    CHECK_TEXT(caller.steps, "DNS ");
    close(fd);
}

static void an_unknown_name_is_told(void) {
    struct dial_config config = make_config(NULL, 1);

    config.host = "roost-test.invalid";
    struct caller caller = call(&config);
    CHECK_INT(caller.failed, DIAL_RESOLVE);
    CHECK_INT(strncmp(caller.why, "cannot resolve roost-test.invalid: ", 35), 0);
}

/* The kernel accepts, but nobody answers the handshake. */
static void silence_ends_after_the_time_limit(void) {
    unsigned port;
    int fd = open_socket(AF_INET, &port, 5);
    struct tls_client *tls;
    struct tls_trust trust = { .insecure = true };
    struct dial_config config = make_config(NULL, port);

    CHECK_INT(tls_client_new(&trust, NULL, &tls), 0);
    config.tls = tls;
    config.timeout_ms = 100;
    struct caller caller = call(&config);
    CHECK_INT(caller.failed, DIAL_TLS);
    CHECK_TEXT(caller.why, "timed out after 100 ms");
    CHECK_TEXT(caller.steps, "DNS TCP ");
    config.timeout_ms = 1000;
    caller = call(&config);
    CHECK_TEXT(caller.why, "timed out after 1 s");
    tls_client_free(tls);
    close(fd);
}

struct runner {
    struct loop *loop;
    struct conn *conn;
    char why[160];
};

static void on_raced(void *arg, struct conn *conn, const char *why) {
    struct runner *runner = arg;

    runner->conn = conn;
    snprintf(runner->why, sizeof(runner->why), "%s", why ? why : "");
    loop_stop(runner->loop);
}

/* Returns how long it took; the peer's address or the reason stands in ret_text. */
static uint64_t race(const struct sockaddr_storage *addresses,
                     size_t count,
                     char ret_text[static 160]) {
    struct runner runner = { .loop = loop_new() };
    uint64_t start = loop_now_ms(runner.loop);

    struct dialler_race *it =
        dialler_race_new(runner.loop, addresses, count, on_raced, &runner);
    loop_run(runner.loop);
    uint64_t ms = loop_now_ms(runner.loop) - start;
    snprintf(ret_text, 160, "%s", runner.conn ? conn_peer(runner.conn) : runner.why);
    dialler_race_free(it);
    if (runner.conn)
        conn_close(runner.conn);
    loop_free(runner.loop);
    return ms;
}

static void the_next_address_is_tried_at_once_after_a_failure(void) {
    struct sockaddr_storage addresses[3];
    unsigned closed_port, open_port;
    int shut = open_socket(AF_INET, &closed_port, -1);
    int open = open_socket(AF_INET, &open_port, 5);
    char text[160], wanted[64];

    CHECK(netaddr_parse("127.0.0.1", open_port, &addresses[0]));
    CHECK(netaddr_parse("::1", closed_port, &addresses[1]));
    CHECK(netaddr_parse("127.0.0.1", closed_port, &addresses[2]));
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", open_port);
    CHECK(race(addresses, 2, text) < 200);
    CHECK_TEXT(text, wanted);

    /* When all fail, the reason that tells most is given. */
    snprintf(wanted, sizeof(wanted), "connection refused by 127.0.0.1:%u", closed_port);
    CHECK(race(addresses + 1, 2, text) < 200);
    CHECK_TEXT(text, wanted);
    close(shut);
    close(open);
}

static void a_silent_address_loses_after_250_ms(void) {
    enum { FILLERS = 4 };
    struct sockaddr_storage addresses[2];
    unsigned silent_port, open_port;
    int silent = open_socket(AF_INET, &silent_port, 0);
    int open = open_socket(AF_INET, &open_port, 5);
    int fillers[FILLERS];
    char text[160], wanted[64];

    /* A full queue of a listener drops what comes: nobody answers. */
    CHECK(netaddr_parse("127.0.0.1", silent_port, &addresses[0]));
    for (size_t i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&addresses[0], netaddr_len(&addresses[0]));
    }
    CHECK(netaddr_parse("127.0.0.1", open_port, &addresses[1]));
    uint64_t ms = race(addresses, 2, text);
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", open_port);
    CHECK_TEXT(text, wanted);
    CHECK(ms >= 250 && ms < 900);
    for (size_t i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(silent);
    close(open);
}

/* --- a hub, and a proxy in front of it --- */

/* One connection through the proxy. */
struct relay {
    struct scene *scene; /* borrowed: owns this */
    struct conn *near;   /* owned: the caller's */
    struct conn *far;    /* owned: the hub's */
    struct buf request;
};

struct scene {
    struct caller caller;
    struct test_certs certs;
    struct tls_server *tls_server;
    struct tls_client *tls_client;
    struct listener *hub;
    struct listener *proxy;
    struct conn *at_hub;
    struct relay relay;
    const char *answer;   /* of the proxy, instead of relaying; NULL: relay */
    const char *expected; /* in the request; NULL: anything */
    bool hangs_up;
};

static void drop_bytes(void *owner, struct slice bytes) {
    (void)owner;
    (void)bytes;
}

static void drop_end(void *owner, int reason) {
    (void)owner;
    (void)reason;
}

static const struct conn_events idle_events = { .on_bytes = drop_bytes,
                                                .on_closed = drop_end };

static void on_hub_conn(void *arg, struct conn *conn) {
    struct scene *scene = arg;
    scene->at_hub = conn;
    conn_set_owner(conn, &idle_events, scene);
}

static void to_far(void *owner, struct slice bytes) {
    struct relay *relay = owner;
    conn_send(relay->far, bytes);
}

static void to_near(void *owner, struct slice bytes) {
    struct relay *relay = owner;
    conn_send(relay->near, bytes);
}

static const struct conn_events near_events = { .on_bytes = to_far,
                                                .on_closed = drop_end };
static const struct conn_events far_events = { .on_bytes = to_near,
                                               .on_closed = drop_end };

static void on_far(void *arg, int status) {
    struct relay *relay = arg;

    CHECK_INT(status, 0);
    conn_set_owner(relay->far, &far_events, relay);
    conn_set_owner(relay->near, &near_events, relay);
    conn_send(relay->near, slice_of_text("HTTP/1.1 200 Connection established\r\n\r\n"));
}

static void on_request(void *owner, struct slice bytes) {
    struct relay *relay = owner;
    struct scene *scene = relay->scene;
    struct sockaddr_storage address;

    buf_add_slice(&relay->request, bytes);
    const char *text = buf_text(&relay->request);
    if (!strstr(text, "\r\n\r\n"))
        return;
    if (scene->expected)
        CHECK(strstr(text, scene->expected));
    if (scene->hangs_up) {
        conn_close(TAKE(relay->near));
    } else if (scene->answer) {
        conn_send(relay->near, slice_of_text(scene->answer));
    } else {
        unsigned port = test_pair_port(listener_address(scene->hub));
        CHECK(netaddr_parse("127.0.0.1", port, &address));
        relay->far = conn_tcp_connect(scene->caller.loop, &address, on_far, relay);
    }
}

static void on_proxy_conn(void *arg, struct conn *conn) {
    static const struct conn_events events = { .on_bytes = on_request,
                                               .on_closed = drop_end };
    struct scene *scene = arg;

    scene->relay.scene = scene;
    scene->relay.near = conn;
    conn_set_owner(conn, &events, &scene->relay);
}

static struct listener *listen_for(struct scene *scene,
                                   struct tls_server *tls,
                                   void (*on_conn)(void *arg, struct conn *conn)) {
    struct listener *listener = NULL;
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .tls = tls,
        .limits = &limits,
        .on_conn = on_conn,
        .arg = scene,
    };
    CHECK_INT(listener_new(scene->caller.loop, &config, &listener), 0);
    return listener;
}

static void open_scene(struct scene *scene) {
    char *why = NULL;
    struct tls_trust trust = { 0 };

    *scene = (struct scene) { .caller.loop = loop_new() };
    test_certs_init(&scene->certs);
    trust.pin = scene->certs.pin;
    scene->tls_server = tls_server_new();
    CHECK_INT(
        tls_server_load(scene->tls_server, scene->certs.cert, scene->certs.key, &why), 0);
    CHECK_INT(tls_client_new(&trust, NULL, &scene->tls_client), 0);
    scene->hub = listen_for(scene, scene->tls_server, on_hub_conn);
    scene->proxy = listen_for(scene, NULL, on_proxy_conn);
}

static void close_if(struct conn *conn) {
    if (conn)
        conn_close(conn);
}

static void close_scene(struct scene *scene) {
    close_if(scene->caller.conn);
    close_if(scene->at_hub);
    close_if(scene->relay.near);
    close_if(scene->relay.far);
    buf_done(&scene->relay.request);
    listener_free(scene->hub);
    listener_free(scene->proxy);
    loop_free(scene->caller.loop);
    tls_client_free(scene->tls_client);
    tls_server_free(scene->tls_server);
    test_certs_done(&scene->certs);
}

static void call_through(struct scene *scene, const char *user) {
    auto_(mem_freep) char *proxy = mem_printf(
        "http://%s127.0.0.1:%u/", user, test_pair_port(listener_address(scene->proxy)));
    struct dial_config config =
        make_config(&scene->caller, test_pair_port(listener_address(scene->hub)));

    config.host = "hub.invalid"; /* names are the proxy's to resolve */
    config.proxy = proxy;
    config.tls = scene->tls_client;
    config.alpn = "h2";
    dialler_start(scene->caller.loop, &config);
    loop_run(scene->caller.loop);
    CHECK_INT(scene->caller.done_count, 1);
}

static void a_path_leads_to_a_socket_of_this_machine(void) {
    char *dir = check_folder_make();
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    auto_(mem_freep) char *host = mem_printf("unix:%s/socket", dir);
    struct caller caller = { .loop = loop_new() };
    struct dial_config config = make_config(&caller, 0);

    config.host = host;
    config.proxy = "http://proxy.invalid:1"; /* is for names */
    struct caller refused = call(&config);
    CHECK_INT(refused.failed, DIAL_CONNECT);
    CHECK(strstr(refused.why, "/socket: No such file or directory"));

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    CHECK_INT(listen(fd, 5), 0);
    config.arg = &caller;
    dialler_start(caller.loop, &config);
    loop_run(caller.loop);
    CHECK_TEXT(caller.why, "");
    CHECK_TEXT(caller.steps, "TCP ");
    CHECK(strstr(conn_peer(caller.conn), "unix:/"));
    int peer = accept(fd, NULL, NULL);
    char bytes[3] = "";
    conn_send(caller.conn, slice_of("hi", 2));
    CHECK_INT(read(peer, bytes, 2), 2);
    CHECK_TEXT(bytes, "hi");
    close(peer);
    close(fd);
    conn_close(caller.conn);
    loop_free(caller.loop);
    check_folder_remove(dir);
}

static void a_proxy_leads_to_the_hub(void) {
    struct scene scene;

    open_scene(&scene);
    scene.expected = "Proxy-Authorization: Basic dSBzZXI6cDpAc3M=\r\n"; /* u ser:p:@ss */
    call_through(&scene, "u%20ser:p%3A%40ss@");
    CHECK_TEXT(scene.caller.why, "");
    CHECK(scene.caller.conn);
    CHECK_TEXT(scene.caller.steps, "DNS TCP proxy TLS ");
    CHECK_TEXT(conn_alpn(scene.caller.conn), "h2");
    close_scene(&scene);
}

static void what_a_proxy_refuses_is_told(void) {
    static const struct {
        const char *answer;
        const char *why;
    } rows[] = {
        { "HTTP/1.1 407 Authenticate!\r\nContent-Length: 3\r\n\r\nabc",
          "the proxy answered 407 Proxy Authentication Required" },
        { "HTTP/1.1 403 No\r\n\r\n", "the proxy answered 403 Forbidden" },
        { "SSH-2.0-OpenSSH_9.2\r\n", "the proxy does not speak HTTP" },
        { NULL, "the proxy closed the connection" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;
        open_scene(&scene);
        scene.answer = rows[i].answer;
        scene.hangs_up = !rows[i].answer;
        call_through(&scene, "");
        CHECK(!scene.caller.conn);
        CHECK_INT(scene.caller.failed, DIAL_PROXY);
        CHECK_TEXT(scene.caller.why, rows[i].why);
        close_scene(&scene);
    }
}

struct canceller {
    struct timer timer;
    struct scene *scene;
    struct dial *dial;
};

static void on_cancel(struct timer *timer) {
    struct canceller *canceller = container_of(timer, struct canceller, timer);
    dialler_cancel(TAKE(canceller->dial));
    loop_stop(canceller->scene->caller.loop);
}

/* At whichever step it is. */
static void a_cancelled_dial_is_never_heard_of_again(void) {
    for (unsigned ms = 0; ms < 4; ms++) {
        struct scene scene;
        struct canceller canceller = { .timer.fire = on_cancel, .scene = &scene };

        open_scene(&scene);
        struct dial_config config =
            make_config(&scene.caller, test_pair_port(listener_address(scene.proxy)));
        config.host = "localhost";
        config.tls = scene.tls_client;
        scene.answer = ""; /* what accepts speaks no TLS, so the dial never ends */
        canceller.dial = dialler_start(scene.caller.loop, &config);
        if (ms == 0) {
            dialler_cancel(TAKE(canceller.dial));
        } else {
            timer_start(scene.caller.loop, &canceller.timer, ms);
            loop_run(scene.caller.loop);
        }
        CHECK_INT(scene.caller.done_count, 0);
        close_scene(&scene);
    }
    CHECK(!dialler_cancel(NULL));
}

/* --- tables --- */

static void addresses_of_proxies_are_read(void) {
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
        unsigned port;
        const char *credentials;
    } rows[] = {
        { "http://proxy:3128", "proxy", 3128, NULL },
        { "HTTP://proxy:3128/", "proxy", 3128, NULL },
        { "proxy:3128", "proxy", 3128, NULL },
        { "http://proxy", "proxy", 80, NULL },
        { "http://[2001:db8::1]:8080", "2001:db8::1", 8080, NULL },
        { "http://[2001:db8::1]", "2001:db8::1", 80, NULL },
        { "http://u:p@proxy:1", "proxy", 1, "u:p" },
        { "http://u%3a:%zz%4@proxy:1", "proxy", 1, "u::%zz%4" },
        { "http://u:p@x@proxy:1/a@b", "proxy", 1, "u:p@x" },
        { "https://proxy:1", NULL, 0, NULL },
        { "socks5://proxy:1", NULL, 0, NULL },
        { "http://", NULL, 0, NULL },
        { "http://:80", NULL, 0, NULL },
        { "http://proxy:0", NULL, 0, NULL },
        { "http://proxy:65536", NULL, 0, NULL },
        { "http://proxy:8x", NULL, 0, NULL },
        { "", NULL, 0, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dialler_proxy proxy = { 0 };
        CHECK(dialler_proxy_parse(rows[i].text, &proxy) == (rows[i].host != NULL));
        if (!rows[i].host)
            continue;
        CHECK_TEXT(proxy.host, rows[i].host);
        CHECK_INT(proxy.port, rows[i].port);
        CHECK(!proxy.credentials == !rows[i].credentials);
        if (rows[i].credentials)
            CHECK_TEXT(proxy.credentials, rows[i].credentials);
        dialler_proxy_done(&proxy);
    }
}

static void the_environment_names_the_proxy(void) {
    static const struct {
        const char *lower;
        const char *upper;
        const char *except;
        const char *host;
        const char *proxy;
    } rows[] = {
        { NULL, NULL, NULL, "hub.example", NULL },
        { "http://a:1", "http://b:1", NULL, "hub.example", "http://a:1" },
        { NULL, "http://b:1", NULL, "hub.example", "http://b:1" },
        { "", "http://b:1", NULL, "hub.example", NULL },
        { "http://a:1", NULL, "*", "hub.example", NULL },
        { "http://a:1", NULL, "example", "hub.example", NULL },
        { "http://a:1", NULL, "x, .Example ,y", "hub.example", NULL },
        { "http://a:1", NULL, "*.example", "hub.example", NULL },
        { "http://a:1", NULL, "hub.example", "hub.example", NULL },
        { "http://a:1", NULL, "b.example", "hub.example", "http://a:1" },
        { "http://a:1", NULL, "ub.example", "hub.example", "http://a:1" },
        { "http://a:1", NULL, "192.0.2.1", "192.0.2.1", NULL },
        { "http://a:1", NULL, ",, ,", "hub.example", "http://a:1" },
    };

    unsetenv("NO_PROXY");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsetenv("https_proxy");
        unsetenv("HTTPS_PROXY");
        unsetenv("no_proxy");
        if (rows[i].lower)
            setenv("https_proxy", rows[i].lower, 1);
        if (rows[i].upper)
            setenv("HTTPS_PROXY", rows[i].upper, 1);
        if (rows[i].except)
            setenv("no_proxy", rows[i].except, 1);
        auto_(mem_freep) char *proxy = dialler_proxy_for(rows[i].host);
        CHECK(!proxy == !rows[i].proxy);
        if (proxy)
            CHECK_TEXT(proxy, rows[i].proxy);
    }
    unsetenv("https_proxy");
    unsetenv("no_proxy");
}

TESTS(TEST(a_refusal_names_the_address),
      TEST(an_unknown_name_is_told),
      TEST(silence_ends_after_the_time_limit),
      TEST(the_next_address_is_tried_at_once_after_a_failure),
      TEST(a_silent_address_loses_after_250_ms),
      TEST(a_path_leads_to_a_socket_of_this_machine),
      TEST(a_proxy_leads_to_the_hub),
      TEST(what_a_proxy_refuses_is_told),
      TEST(a_cancelled_dial_is_never_heard_of_again),
      TEST(addresses_of_proxies_are_read),
      TEST(the_environment_names_the_proxy))
