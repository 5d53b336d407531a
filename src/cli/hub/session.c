#include "cli/hub/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/hub/url.h"
#include "loop/conn.h"
#include "loop/conn_tcp.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "rpc/h2conn.h"
#include "wire/headers.h"
#include "wire/pb.h"

enum {
    STREAMS_MAX = 16, /* a hub opens none on us */
    WINDOW = 65536,
    HEADERS_MAX = 65536,
};

struct session {
    struct loop *loop;     /* borrowed: the config */
    struct h2conn *h2conn; /* owned */
    char *bearer;          /* owned: "Bearer TOKEN"; NULL: none */
    bool is_direct;
    bool lost;
};

/* One opening under way. */
struct opening {
    struct loop *loop; /* borrowed: the config */
    struct conn *conn; /* owned until it is handed on */
    struct session_problem *problem;
    const struct session_config *config;
    bool done;
};

static void on_step(void *arg, enum dial_step step, const char *text) {
    struct opening *opening = arg;

    if (opening->config->on_step)
        opening->config->on_step(opening->config->arg, step, text);
}

static void on_dialled(void *arg,
                       struct conn *conn,
                       enum dial_step failed,
                       const char *why) {
    struct opening *opening = arg;

    opening->conn = conn;
    if (!conn) {
        opening->problem->step = failed;
        snprintf(opening->problem->why, sizeof(opening->problem->why), "%s",
                 why ? why : "no reason given");
    }
    opening->done = true;
    loop_stop(opening->loop);
}

static void on_closed(void *owner, struct h2conn *h2conn, int reason) {
    struct session *session = owner;

    (void)h2conn;
    (void)reason;
    session->lost = true;
    loop_stop(session->loop);
}

static struct h2conn *speak(struct session *session,
                            struct conn *conn,
                            const struct session_config *from) {
    char authority[ADDRESS_TEXT_LEN] = "localhost";
    struct h2conn_config config = {
        .role = H2_CLIENT,
        .limits = { .streams_max = STREAMS_MAX,
                    .window = WINDOW,
                    .header_bytes_max = HEADERS_MAX },
        .authority = authority,
        .pings = true,
        .on_closed = on_closed,
        .owner = session,
    };

    if (!from->path)
        address_print(&from->url->address, authority);
    return h2conn_new(conn, &config);
}

static void dial(struct opening *opening) {
    const struct session_config *config = opening->config;
    const struct url *url = config->url;
    auto_(mem_freep) char *proxy =
        url->plain ? NULL : dialler_proxy_for(url->address.host);
    struct dial_config dial = {
        .host = url->address.host,
        .port = url->address.port,
        .proxy = proxy,
        .tls = config->tls,
        .server_name = config->name,
        .alpn = "h2",
        .timeout_ms = (unsigned)config->timeout_ms,
        .on_step = on_step,
        .on_done = on_dialled,
        .arg = opening,
    };

    struct dial *started = dialler_start(config->loop, &dial);
    while (!opening->done && !(config->cancelled && *config->cancelled))
        loop_run(config->loop);
    if (!opening->done) {
        dialler_cancel(started);
        snprintf(opening->problem->why, sizeof(opening->problem->why), "cancelled");
    }
}

/* A socket of this machine: connected, or -errno. */
static int connect_path(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int r = -errno;
    close(fd);
    return r;
}

static void open_path(struct opening *opening) {
    struct sockaddr_storage nowhere = { 0 };
    int fd = connect_path(opening->config->path);
    int r = fd < 0 ? fd
                   : conn_tcp_accept(opening->config->loop, fd, &nowhere, &opening->conn);

    if (r < 0) {
        opening->problem->step = DIAL_CONNECT;
        snprintf(opening->problem->why, sizeof(opening->problem->why), "%s",
                 strerror(-r));
    }
}

int session_open(const struct session_config *config,
                 struct session **ret_session,
                 struct session_problem *ret_problem) {
    struct opening opening = {
        .loop = config->loop,
        .problem = ret_problem,
        .config = config,
    };

    if (config->path)
        open_path(&opening);
    else
        dial(&opening);
    if (!opening.conn)
        return SESSION_E_DIAL;

    struct session *session = mem_new(sizeof(*session));
    session->loop = config->loop;
    session->is_direct = config->is_direct;
    if (config->token)
        session->bearer = mem_printf("%s %s", config->scheme ? config->scheme : "Bearer",
                                     config->token);
    session->h2conn = speak(session, opening.conn, config);
    *ret_session = session;
    return 0;
}

struct session *session_free(struct session *session) {
    if (!session)
        return NULL;
    h2conn_free(session->h2conn);
    if (session->bearer)
        mem_wipe(session->bearer, strlen(session->bearer));
    free(session->bearer);
    free(session);
    return NULL;
}

struct loop *session_loop(const struct session *session) {
    return session->loop;
}

struct target *session_target(const struct session *session) {
    return h2conn_target(session->h2conn);
}

bool session_is_direct(const struct session *session) {
    return session->is_direct;
}

bool session_is_lost(const struct session *session) {
    return session->lost;
}

void session_metadata(const struct session *session,
                      const char *node,
                      struct headers *ret_metadata) {
    headers_init(ret_metadata);
    if (node)
        headers_add(ret_metadata, "name", node);
    if (session->bearer)
        headers_add(ret_metadata,
                    node && !session->is_direct ? "proxy-authorization" : "authorization",
                    session->bearer);
}

void session_wait(struct session *session, const bool *done) {
    while (!*done)
        loop_run(session->loop);
}

struct asking {
    struct session *session; /* borrowed: the caller waits */
    const ProtobufCMessageDescriptor *reply_type;
    struct session_answer *answer; /* borrowed: the caller's */
    bool bad;
    bool done;
};

static void on_message(void *user, struct slice message) {
    struct asking *asking = user;

    if (asking->answer->reply ||
        pb_unpack(asking->reply_type, message, &asking->answer->reply) != 0)
        asking->bad = true;
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct asking *asking = user;
    struct session_answer *answer = asking->answer;

    (void)trailers;
    if (status == GRPC_OK && (asking->bad || !answer->reply)) {
        status = GRPC_INTERNAL;
        message = "the reply is not what was asked for";
    }
    if (status != GRPC_OK)
        answer->reply = pb_free(answer->reply);
    answer->status = status;
    answer->message = mem_strdup(message ? message : "");
    asking->done = true;
    loop_stop(asking->session->loop);
}

void session_call(struct session *session,
                  const struct session_ask *ask,
                  struct session_answer *ret_answer) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct asking asking = {
        .session = session,
        .reply_type = ask->reply_type,
        .answer = ret_answer,
    };
    struct headers metadata;

    *ret_answer = (struct session_answer) { 0 };
    session_metadata(session, ask->node, &metadata);
    struct client_request request = {
        .method = ask->method,
        .metadata = &metadata,
        .timeout_ms = ask->timeout_ms,
    };
    struct client_call *client =
        client_start(session->loop, session_target(session), &request, &events, &asking);
    client_send(client, ask->request);
    client_end(client);
    session_wait(session, &asking.done);
    headers_done(&metadata);
}

void session_answer_done(struct session_answer *answer) {
    free(answer->message);
    answer->reply = pb_free(answer->reply);
    answer->message = NULL;
}
