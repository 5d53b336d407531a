#include "agent/systemd/systemd_bus.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/systemd/systemd_library.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"

#define MANAGER           "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

enum {
    IDLE_MS = 10000,         /* how long connection and library wait for the next call */
    REPLY_US = 60 * 1000000, /* a manager that reads all its units anew takes a while */
};

struct systemd_bus {
    struct systemd_bus_config config;
    struct systemd_library *library; /* reference; NULL until it is needed */
    struct sd_bus *bus;              /* owned; NULL: not connected */
    struct sd_bus_slot *jobs;        /* owned; NULL: not told of jobs */
    struct loop_poll *poll;          /* owned; NULL when there is no bus */
    struct timer timeout;            /* the library's */
    struct timer idle;
    struct task pump;
    struct list calls;
    unsigned holds;
    struct systemd_fault fault; /* of the last attempt to connect */
    char *fault_text;           /* owned: its text */
};

struct systemd_call {
    struct list node;
    struct systemd_bus *bus;        /* borrowed: its list has us */
    struct sd_bus_slot *slot;       /* owned; NULL: it was not sent */
    systemd_bus_reply_fn *on_reply; /* whom to tell */
    void *arg;                      /* borrowed: the caller's */
    struct task fail;               /* of a call that was not sent */
    enum grpc_status status;        /* of that */
    char *text;                     /* owned: likewise */
};

static void pump(struct systemd_bus *bus);

static void on_pump(struct task *task) {
    pump(container_of(task, struct systemd_bus, pump));
}

static void on_timeout(struct timer *timer) {
    pump(container_of(timer, struct systemd_bus, timeout));
}

static void on_events(void *arg, int events) {
    pump(arg);
}

static void disconnect(struct systemd_bus *bus) {
    timer_stop(&bus->timeout);
    timer_stop(&bus->idle);
    loop_cancel(&bus->pump);
    if (!bus->bus)
        return;
    bus->poll = loop_poll_free(bus->poll);
    bus->library->slot_unref(TAKE(bus->jobs));
    bus->library->bus_close_unref(TAKE(bus->bus));
}

static void on_idle(struct timer *timer) {
    struct systemd_bus *bus = container_of(timer, struct systemd_bus, idle);

    disconnect(bus);
    bus->library = systemd_library_free(bus->library);
}

static void rest(struct systemd_bus *bus) {
    if (bus->library && bus->holds == 0 && list_is_empty(&bus->calls))
        timer_start(bus->config.loop, &bus->idle, IDLE_MS);
    else
        timer_stop(&bus->idle);
}

struct systemd_bus *systemd_bus_new(const struct systemd_bus_config *config) {
    struct systemd_bus *bus = mem_new(sizeof(*bus));

    *bus = (struct systemd_bus) {
        .config = *config,
        .timeout.fire = on_timeout,
        .idle.fire = on_idle,
        .pump.run = on_pump,
    };
    list_init(&bus->calls);
    return bus;
}

struct systemd_bus *systemd_bus_free(struct systemd_bus *bus) {
    if (!bus)
        return NULL;
    while (!list_is_empty(&bus->calls))
        systemd_bus_cancel(container_of(bus->calls.next, struct systemd_call, node));
    disconnect(bus);
    systemd_library_free(bus->library);
    free(bus->fault_text);
    free(bus);
    return NULL;
}

/* --- the connection --- */

/* Keeps why it cannot be had; takes the text. */
static void set_fault(struct systemd_bus *bus, enum grpc_status status, char *text) {
    free(bus->fault_text);
    bus->fault_text = text;
    bus->fault = (struct systemd_fault) { status, text };
}

const struct systemd_fault *systemd_bus_load(struct systemd_bus *bus) {
    if (bus->library)
        return NULL;
    int r = systemd_library_open(bus->config.library, &bus->library);
    if (r == 0) {
        rest(bus);
        return NULL;
    }
    set_fault(bus, GRPC_UNIMPLEMENTED,
              mem_printf(r == -ENOENT ? "this host has no systemd: %s is not there"
                                      : "the systemd of this host is too old: %s",
                         bus->config.library ? bus->config.library : SYSTEMD_LIBRARY));
    return &bus->fault;
}

static const char *runtime_folder(char *room, size_t cap) {
    const char *set = getenv("XDG_RUNTIME_DIR");

    if (set && set[0])
        return set;
    snprintf(room, cap, "/run/user/%u", (unsigned)getuid());
    return room;
}

/* The manager's own socket: no bus between. */
static int open_private(struct systemd_bus *bus, const char *folder) {
    const struct systemd_library *library = bus->library;
    auto_(mem_freep) char *address = mem_printf("unix:path=%s/systemd/private", folder);
    struct sd_bus *opened = NULL;

    int r = library->bus_new(&opened);
    if (r >= 0)
        r = library->bus_set_address(opened, address);
    if (r >= 0)
        r = library->bus_start(opened);
    if (r < 0) {
        if (opened)
            library->bus_close_unref(opened);
        return r;
    }
    bus->bus = opened;
    return 0;
}

static int open_bus(struct systemd_bus *bus) {
    char room[64];

    if (bus->config.is_user) {
        int r = open_private(bus, runtime_folder(room, sizeof(room)));
        return r < 0 ? bus->library->bus_open_user(&bus->bus) : r;
    }
    int r = bus->library->bus_open_system(&bus->bus);
    return r < 0 && geteuid() == 0 ? open_private(bus, "/run") : r;
}

static bool has_systemd(const struct systemd_bus *bus) {
    char room[64];
    const char *folder = runtime_folder(room, sizeof(room));
    auto_(mem_freep) char *path =
        bus->config.is_user ? mem_printf("%s/systemd", folder)
                            : mem_printf("%s/run/systemd/system", bus->config.root);

    return file_exists(path);
}

static void fail_connect(struct systemd_bus *bus, int error) {
    bool is_there = has_systemd(bus);

    set_fault(bus, systemd_fault_connect_status(is_there),
              systemd_fault_connect_text(error, is_there, bus->config.is_user));
}

/* A poll that cannot be had is an error like any other. */
static int connect_bus(struct systemd_bus *bus) {
    if (bus->bus)
        return 0;
    if (systemd_bus_load(bus))
        return -ENOENT;
    int r = open_bus(bus);
    if (r >= 0) {
        int fd = bus->library->bus_get_fd(bus->bus);
        bus->poll = fd < 0 ? NULL : loop_poll_new(bus->config.loop, fd, on_events, bus);
        r = bus->poll ? 0 : -EBADF;
        if (r < 0)
            bus->library->bus_close_unref(TAKE(bus->bus));
    } else {
        bus->bus = NULL;
    }
    if (r < 0)
        fail_connect(bus, -r);
    return r;
}

/* --- calls --- */

static void end_call(struct systemd_call *call,
                     struct sd_bus_message *reply,
                     const struct systemd_fault *fault) {
    struct systemd_call done = *call;

    list_remove(&call->node);
    loop_cancel(&call->fail);
    free(call);
    if (done.slot)
        done.bus->library->slot_unref(done.slot);
    done.on_reply(done.arg, reply, fault);
    free(done.text);
    rest(done.bus);
}

struct systemd_call *systemd_bus_cancel(struct systemd_call *call) {
    if (!call)
        return NULL;
    struct systemd_bus *bus = call->bus;
    list_remove(&call->node);
    loop_cancel(&call->fail);
    if (call->slot)
        bus->library->slot_unref(call->slot);
    free(call->text);
    free(call);
    rest(bus);
    return NULL;
}

static void on_fail(struct task *task) {
    struct systemd_call *call = container_of(task, struct systemd_call, fail);
    struct systemd_fault fault = { call->status, call->text };

    end_call(call, NULL, &fault);
}

static int on_message(struct sd_bus_message *message,
                      void *arg,
                      struct systemd_library_error *unused) {
    struct systemd_call *call = arg;
    struct systemd_bus *bus = call->bus;
    const struct systemd_library_error *error = bus->library->message_get_error(message);

    if (!error) {
        end_call(call, message, NULL);
        return 1;
    }
    auto_(mem_freep) char *text =
        systemd_fault_text(error->name, error->message, bus->config.is_user);
    struct systemd_fault fault = { systemd_fault_status(error->name), text };
    end_call(call, NULL, &fault);
    return 1;
}

static int send_call(struct systemd_call *call,
                     const struct systemd_bus_method *method,
                     const char *types,
                     va_list values) {
    struct systemd_bus *bus = call->bus;
    const struct systemd_library *library = bus->library;
    struct sd_bus_message *message = NULL;

    int r = library->message_new_call(
        bus->bus, &message, method->destination ? method->destination : MANAGER,
        method->path ? method->path : MANAGER_PATH,
        method->interface ? method->interface : MANAGER_INTERFACE, method->member);
    if (r >= 0 && types[0])
        r = library->message_append(message, types, values);
    if (r >= 0)
        r = library->bus_call_async(bus->bus, &call->slot, message, on_message, call,
                                    REPLY_US);
    if (message)
        library->message_unref(message);
    return r < 0 ? r : 0;
}

static void fail_later(struct systemd_call *call, enum grpc_status status, char *text) {
    call->status = status;
    call->text = text;
    loop_post(call->bus->config.loop, &call->fail);
}

struct systemd_call *systemd_bus_call(struct systemd_bus *bus,
                                      const struct systemd_bus_method *method,
                                      systemd_bus_reply_fn *on_reply,
                                      void *arg,
                                      const char *types,
                                      ...) {
    struct systemd_call *call = mem_new(sizeof(*call));
    va_list values;

    call->bus = bus;
    call->on_reply = on_reply;
    call->arg = arg;
    call->fail.run = on_fail;
    list_add_tail(&bus->calls, &call->node);
    if (connect_bus(bus) < 0) {
        fail_later(call, bus->fault.status, mem_strdup(bus->fault.text));
        return call;
    }
    va_start(values, types);
    int r = send_call(call, method, types, values);
    va_end(values);
    if (r < 0)
        fail_later(call, GRPC_UNAVAILABLE,
                   mem_printf("systemd cannot be asked: %s", strerror(-r)));
    rest(bus);
    loop_flush_later(bus->config.loop, &bus->pump);
    return call;
}

/* --- jobs --- */

static int on_job_removed(struct sd_bus_message *message,
                          void *arg,
                          struct systemd_library_error *unused) {
    struct systemd_bus *bus = arg;
    uint32_t id;
    const char *job, *unit, *result;

    if (bus->library->message_read(message, "uoss", &id, &job, &unit, &result) > 0 &&
        bus->config.on_job)
        bus->config.on_job(bus->config.arg, job, result);
    return 0;
}

static void ignore_reply(void *arg,
                         struct sd_bus_message *reply,
                         const struct systemd_fault *fault) {
}

static void subscribe(struct systemd_bus *bus) {
    static const struct systemd_bus_method method = { .member = "Subscribe" };

    if (bus->jobs || connect_bus(bus) < 0)
        return;
    int r = bus->library->bus_match_signal_async(bus->bus, &bus->jobs, MANAGER,
                                                 MANAGER_PATH, MANAGER_INTERFACE,
                                                 "JobRemoved", on_job_removed, NULL, bus);
    if (r < 0)
        log_debug("systemd's jobs cannot be followed: %s", strerror(-r));
    systemd_bus_call(bus, &method, ignore_reply, NULL, "");
}

void systemd_bus_hold(struct systemd_bus *bus) {
    bus->holds++;
    subscribe(bus);
    rest(bus);
}

void systemd_bus_release(struct systemd_bus *bus) {
    bus->holds--;
    rest(bus);
}

/* --- the loop --- */

static void lose(struct systemd_bus *bus, int error) {
    auto_(mem_freep) char *text =
        mem_printf("the connection to systemd was lost: %s", strerror(error));
    struct systemd_fault fault = { GRPC_UNAVAILABLE, text };
    struct list calls;

    log_debug("%s", text);
    disconnect(bus);
    list_init(&calls);
    list_splice(&calls, &bus->calls);
    while (!list_is_empty(&calls)) {
        struct systemd_call *call = container_of(calls.next, struct systemd_call, node);
        end_call(call, NULL, &fault);
    }
    rest(bus);
    if (bus->config.on_lost)
        bus->config.on_lost(bus->config.arg, &fault);
}

static void await(struct systemd_bus *bus) {
    const struct systemd_library *library = bus->library;
    uint64_t at_us = UINT64_MAX;
    uint64_t now_us = loop_clock_us();

    int events = library->bus_get_events(bus->bus);
    loop_poll_set(bus->poll, events < 0 ? POLLIN : events & (POLLIN | POLLOUT));
    timer_stop(&bus->timeout);
    if (library->bus_get_timeout(bus->bus, &at_us) > 0 && at_us != UINT64_MAX)
        timer_start(bus->config.loop, &bus->timeout,
                    at_us > now_us ? (at_us - now_us) / 1000 + 1 : 0);
}

static void pump(struct systemd_bus *bus) {
    int r = 1;

    while (bus->bus && r > 0)
        r = bus->library->bus_process(bus->bus, NULL);
    if (!bus->bus)
        return;
    if (r < 0)
        lose(bus, -r);
    else
        await(bus);
}

struct systemd_library *systemd_bus_library(const struct systemd_bus *bus) {
    return bus->library;
}

bool systemd_bus_is_user(const struct systemd_bus *bus) {
    return bus->config.is_user;
}
