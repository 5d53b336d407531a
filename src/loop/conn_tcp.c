#include "loop/conn_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/conn_layer.h"
#include "loop/loop_uv.h"
#include "loop/netaddr.h"
#include "loop/timer.h"

enum {
    FINISH_MS = 5000,      /* a peer that does not end too is cut off then */
    NOTSENT_LOWAT = 65536, /* what waits longer is still ours to reorder */
    READS_MAX = 8,         /* a turn: others get theirs after 512 KiB */
};

struct conn_tcp {
    struct conn_base base;
    uv_tcp_t socket;
    uv_shutdown_t shutdown;
    struct connecting *connecting; /* owned by libuv's callback; NULL when none */
    struct timer finish;           /* ends a conn that is finishing */
    struct task resume;            /* reads on in the next turn */
    size_t unsent;                 /* bytes in libuv's queue */
    uint64_t turn;                 /* of the reads that were counted */
    unsigned reads;
    int write_error; /* the peer is gone, but bytes that it sent before may be there */
    bool is_reading;
    bool eof;      /* the peer's FIN came */
    bool shutting; /* our FIN is on its way */
    bool is_shut;  /* ... and out */
};

/* One connect under way. */
struct connecting {
    uv_connect_t request;
    struct task fail; /* tells a failure that was known at once */
    int error;
    struct conn_tcp *tcp; /* borrowed; NULL when it was closed meanwhile */
    void (*on_connected)(void *arg, int status);
    void *arg; /* borrowed: the dialler */
};

/* What could not be sent at once. */
struct remainder {
    uv_write_t request;
    struct conn_tcp *tcp; /* borrowed: libuv ends its requests before the handle */
    size_t len;
    uint8_t bytes[];
};

static struct conn_tcp *tcp_of(const struct conn *conn) {
    return container_of(conn, struct conn_tcp, base.conn);
}

static void end(struct conn_tcp *tcp, int reason) {
    uv_read_stop((uv_stream_t *)&tcp->socket);
    tcp->is_reading = false;
    loop_cancel(&tcp->resume);
    timer_stop(&tcp->finish);
    conn_hand_end(&tcp->base.conn, reason);
}

/* --- reading --- */

static void lend_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_chunk) {
    struct conn_tcp *tcp = handle->data;
    (void)suggested;
    *ret_chunk =
        uv_buf_init((char *)loop_read_chunk(tcp->base.conn.loop), LOOP_READ_CHUNK);
}

/* The peer's FIN. When we are ending too, the end is told once our side is out. */
static void take_eof(struct conn_tcp *tcp) {
    tcp->eof = true;
    if (tcp->shutting && !tcp->write_error && !tcp->is_shut) {
        uv_read_stop((uv_stream_t *)&tcp->socket);
        tcp->is_reading = false;
        return;
    }
    end(tcp, tcp->write_error);
}

static void yield_to_others(struct conn_tcp *tcp) {
    struct loop *loop = tcp->base.conn.loop;

    if (tcp->turn != loop->turn) {
        tcp->turn = loop->turn;
        tcp->reads = 0;
    }
    if (++tcp->reads < READS_MAX)
        return;
    uv_read_stop((uv_stream_t *)&tcp->socket);
    loop_post(loop, &tcp->resume);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *chunk) {
    struct conn_tcp *tcp = stream->data;

    if (len == UV_EOF) {
        take_eof(tcp);
    } else if (len < 0) {
        end(tcp, tcp->write_error ? tcp->write_error : (int)len);
    } else if (len > 0) {
        yield_to_others(tcp);
        conn_hand_bytes(&tcp->base.conn, slice_of(chunk->base, (size_t)len));
    }
}

static void read_on(struct conn_tcp *tcp) {
    int r = uv_read_start((uv_stream_t *)&tcp->socket, lend_chunk, on_read);
    if (r < 0)
        end(tcp, r);
}

static void run_resume(struct task *task) {
    struct conn_tcp *tcp = container_of(task, struct conn_tcp, resume);
    if (tcp->is_reading)
        read_on(tcp);
}

static void tcp_read(struct conn *conn, bool wanted) {
    struct conn_tcp *tcp = tcp_of(conn);

    if (tcp->connecting || tcp->eof || conn->ended || wanted == tcp->is_reading)
        return;
    tcp->is_reading = wanted;
    if (wanted) {
        read_on(tcp);
    } else {
        uv_read_stop((uv_stream_t *)&tcp->socket);
        loop_cancel(&tcp->resume);
    }
}

/* --- writing --- */

/* After a reset what the peer sent before may still be read; other faults end it all. */
static void fail_write(struct conn_tcp *tcp, int error) {
    bool is_reset = error == -EPIPE || error == -ECONNRESET;

    if (is_reset && tcp->is_reading && !tcp->eof)
        tcp->write_error = error;
    else
        end(tcp, error);
}

static void on_shut(uv_shutdown_t *request, int status) {
    struct conn_tcp *tcp = request->handle->data;

    if (tcp->base.conn.closed)
        return;
    tcp->is_shut = true;
    if (status < 0)
        end(tcp, status);
    else if (tcp->eof)
        end(tcp, 0);
}

static void shut(struct conn_tcp *tcp) {
    tcp->shutting = true;
    int r = uv_shutdown(&tcp->shutdown, (uv_stream_t *)&tcp->socket, on_shut);
    if (r < 0)
        end(tcp, r);
}

static void on_written(uv_write_t *request, int status) {
    struct remainder *remainder = container_of(request, struct remainder, request);
    struct conn_tcp *tcp = remainder->tcp;

    tcp->unsent -= remainder->len;
    free(remainder);
    if (tcp->base.conn.closed)
        return;
    if (status < 0)
        fail_write(tcp, status);
    else if (tcp->unsent == 0)
        conn_hand_writable(&tcp->base.conn);
}

/* Room for bytes that wait. */
static struct remainder *new_remainder(struct conn_tcp *tcp, size_t len) {
    struct remainder *remainder = mem_grow(NULL, sizeof(*remainder) + len);

    memset(&remainder->request, 0, sizeof(remainder->request));
    remainder->tcp = tcp;
    remainder->len = len;
    return remainder;
}

static void queue(struct conn_tcp *tcp, struct remainder *remainder) {
    uv_buf_t chunk = uv_buf_init((char *)remainder->bytes, (unsigned)remainder->len);
    int r =
        uv_write(&remainder->request, (uv_stream_t *)&tcp->socket, &chunk, 1, on_written);
    if (r < 0) {
        free(remainder);
        fail_write(tcp, r);
        return;
    }
    tcp->unsent += remainder->len;
}

/* Writes what the kernel takes at once: how much, or -errno after telling. */
static ssize_t write_now(struct conn_tcp *tcp, const uv_buf_t *chunks, unsigned count) {
    if (tcp->unsent > 0)
        return 0;
    int r = uv_try_write((uv_stream_t *)&tcp->socket, chunks, count);
    if (r == UV_EAGAIN)
        return 0;
    if (r < 0)
        fail_write(tcp, r);
    return r;
}

static void tcp_send(struct conn *conn, struct slice bytes) {
    struct conn_tcp *tcp = tcp_of(conn);
    uv_buf_t chunk = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);

    if (tcp->write_error)
        return;
    ssize_t sent = write_now(tcp, &chunk, 1);
    if (sent < 0 || (size_t)sent == bytes.len)
        return;
    bytes = slice_after(bytes, (size_t)sent);
    struct remainder *remainder = new_remainder(tcp, bytes.len);
    memcpy(remainder->bytes, bytes.at, bytes.len);
    queue(tcp, remainder);
}

static void tcp_send_runs(struct conn *conn,
                          struct pipe *from,
                          const struct slice *runs,
                          size_t count) {
    struct conn_tcp *tcp = tcp_of(conn);
    uv_buf_t chunks[CONN_RUNS_MAX];
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        chunks[i] = uv_buf_init((char *)(uintptr_t)runs[i].at, (unsigned)runs[i].len);
        len += runs[i].len;
    }
    ssize_t sent = tcp->write_error ? -1 : write_now(tcp, chunks, (unsigned)count);
    if (sent < 0) {
        pipe_drop(from, len);
        return;
    }
    pipe_drop(from, (size_t)sent);
    len -= (size_t)sent;
    if (len == 0)
        return;
    struct remainder *remainder = new_remainder(tcp, len);
    pipe_copy(from, remainder->bytes, len);
    pipe_drop(from, len);
    queue(tcp, remainder);
}

static bool tcp_is_writable(const struct conn *conn) {
    return tcp_of(conn)->unsent == 0;
}

/* --- ending --- */

static void on_finish_timeout(struct timer *timer) {
    end(container_of(timer, struct conn_tcp, finish), -ETIMEDOUT);
}

/* libuv sends what is queued before the FIN. */
static void tcp_finish(struct conn *conn) {
    struct conn_tcp *tcp = tcp_of(conn);

    timer_start(conn->loop, &tcp->finish, FINISH_MS);
    if (!tcp->write_error && !tcp->shutting)
        shut(tcp);
    else if (tcp->is_shut && tcp->eof)
        end(tcp, 0);
}

static void tcp_end(struct conn *conn) {
    struct conn_tcp *tcp = tcp_of(conn);

    if (!tcp->write_error)
        shut(tcp);
}

void conn_tcp_linger(struct conn_base *base) {
    struct conn_tcp *tcp = container_of(base, struct conn_tcp, base);
    struct linger linger = { .l_onoff = 1 };
    int fd = -1;

    if (uv_fileno((uv_handle_t *)&tcp->socket, &fd) == 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void on_socket_closed(uv_handle_t *handle) {
    free(handle->data);
}

/* libuv or the task still holds it; with an error known at once only the task does. */
static void forget_connecting(struct connecting *connecting) {
    if (!connecting)
        return;
    connecting->tcp = NULL;
    if (connecting->error != 0) {
        loop_cancel(&connecting->fail);
        free(connecting);
    }
}

static void tcp_close(struct conn *conn) {
    struct conn_tcp *tcp = tcp_of(conn);

    forget_connecting(tcp->connecting);
    timer_stop(&tcp->finish);
    loop_cancel(&tcp->resume);
    uv_close((uv_handle_t *)&tcp->socket, on_socket_closed);
}

static const struct conn_ops tcp_ops = {
    .send = tcp_send,
    .send_runs = tcp_send_runs,
    .read = tcp_read,
    .is_writable = tcp_is_writable,
    .finish = tcp_finish,
    .end = tcp_end,
    .close = tcp_close,
};

/* --- beginning --- */

static struct conn_tcp *tcp_new(struct loop *loop) {
    struct conn_tcp *tcp = mem_new(sizeof(*tcp));

    conn_init(&tcp->base.conn, &tcp_ops, loop, NULL);
    tcp->finish.fire = on_finish_timeout;
    tcp->resume.run = run_resume;
    uv_tcp_init(&loop->uv, &tcp->socket);
    tcp->socket.data = tcp;
    return tcp;
}

static void set_options(struct conn_tcp *tcp) {
    int lowat = NOTSENT_LOWAT;
    int fd = -1;

    uv_tcp_nodelay(&tcp->socket, 1);
    if (uv_fileno((uv_handle_t *)&tcp->socket, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
}

static void note_addresses(struct conn_tcp *tcp, const struct sockaddr_storage *peer) {
    struct sockaddr_storage local = { 0 };
    int len = sizeof(local);

    netaddr_print(peer, tcp->base.peer);
    netaddr_print_key(peer, tcp->base.peer_key);
    uv_tcp_getsockname(&tcp->socket, (struct sockaddr *)&local, &len);
    netaddr_print(&local, tcp->base.local);
}

int conn_tcp_accept(struct loop *loop,
                    int fd,
                    const struct sockaddr_storage *address,
                    struct conn **ret_conn) {
    struct conn_tcp *tcp = tcp_new(loop);

    int r = uv_tcp_open(&tcp->socket, fd);
    if (r < 0) {
        close(fd);
        conn_close(&tcp->base.conn);
        return r;
    }
    set_options(tcp);
    note_addresses(tcp, address);
    *ret_conn = &tcp->base.conn;
    return 0;
}

static void tell_connected(struct connecting *connecting, int status) {
    struct conn_tcp *tcp = connecting->tcp;

    if (tcp) {
        tcp->connecting = NULL;
        if (status == 0) {
            struct sockaddr_storage peer = { 0 };
            int len = sizeof(peer);
            set_options(tcp);
            uv_tcp_getpeername(&tcp->socket, (struct sockaddr *)&peer, &len);
            note_addresses(tcp, &peer);
        }
        connecting->on_connected(connecting->arg, status);
    }
    free(connecting);
}

static void on_connect(uv_connect_t *request, int status) {
    tell_connected(container_of(request, struct connecting, request), status);
}

static void run_fail(struct task *task) {
    struct connecting *connecting = container_of(task, struct connecting, fail);
    tell_connected(connecting, connecting->error);
}

struct conn *conn_tcp_connect(struct loop *loop,
                              const struct sockaddr_storage *address,
                              void (*on_connected)(void *arg, int status),
                              void *arg) {
    struct conn_tcp *tcp = tcp_new(loop);
    struct connecting *connecting = mem_new(sizeof(*connecting));

    connecting->tcp = tcp;
    connecting->on_connected = on_connected;
    connecting->arg = arg;
    connecting->fail.run = run_fail;
    tcp->connecting = connecting;
    netaddr_print(address, tcp->base.peer);
    connecting->error = uv_tcp_connect(&connecting->request, &tcp->socket,
                                       (const struct sockaddr *)address, on_connect);
    if (connecting->error != 0)
        loop_post(loop, &connecting->fail);
    return &tcp->base.conn;
}

/* A connected socket of the path: 0 or -errno. */
static int connect_path(const char *path, int *ret_fd) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);

    if (len >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, len + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    *ret_fd = fd;
    return 0;
}

int conn_tcp_connect_path(struct loop *loop, const char *path, struct conn **ret_conn) {
    int fd = -1;

    int r = connect_path(path, &fd);
    if (r < 0)
        return r;
    struct conn_tcp *tcp = tcp_new(loop);
    r = uv_tcp_open(&tcp->socket, fd);
    if (r < 0) {
        close(fd);
        conn_close(&tcp->base.conn);
        return r;
    }
    snprintf(tcp->base.peer, sizeof(tcp->base.peer), "unix:%s", path);
    snprintf(tcp->base.peer_key, sizeof(tcp->base.peer_key), "unix");
    *ret_conn = &tcp->base.conn;
    return 0;
}
