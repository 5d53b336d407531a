#include "agent/systemd/systemd_look.h"

#include <stdlib.h>

#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_library.h"
#include "agent/systemd/systemd_unit.h"
#include "base/mem.h"

struct systemd_look {
    struct systemd_bus *bus;   /* borrowed: outlives us */
    struct systemd_call *call; /* borrowed: the bus's, until it is answered */
    systemd_look_fn *on_done;
    void *arg; /* borrowed: the caller's */
};

static void finish(struct systemd_look *look,
                   const struct systemd_unit *unit,
                   const struct systemd_fault *fault) {
    struct systemd_look done = *look;

    free(look);
    done.on_done(done.arg, unit, fault);
}

static void on_properties(void *arg,
                          struct sd_bus_message *reply,
                          const struct systemd_fault *fault) {
    static const struct systemd_fault strange = { GRPC_INTERNAL,
                                                  "systemd's answer makes no sense" };
    struct systemd_look *look = arg;
    struct systemd_unit unit = { 0 };

    if (!fault && systemd_unit_read(systemd_bus_library(look->bus), reply, &unit) < 0)
        fault = &strange;
    finish(look, fault ? NULL : &unit, fault);
    systemd_unit_done(&unit);
}

static void on_path(void *arg,
                    struct sd_bus_message *reply,
                    const struct systemd_fault *fault) {
    struct systemd_look *look = arg;
    struct systemd_bus_method method = {
        .interface = "org.freedesktop.DBus.Properties",
        .member = "GetAll",
    };

    look->call = NULL;
    if (fault) {
        finish(look, NULL, fault);
        return;
    }
    systemd_bus_library(look->bus)->message_read(reply, "o", &method.path);
    look->call = systemd_bus_call(look->bus, &method, on_properties, look, "s", "");
}

struct systemd_look *systemd_look_new(struct systemd_bus *bus,
                                      const char *name,
                                      systemd_look_fn *on_done,
                                      void *arg) {
    static const struct systemd_bus_method method = { .member = "LoadUnit" };
    struct systemd_look *look = mem_new(sizeof(*look));

    *look = (struct systemd_look) { .bus = bus, .on_done = on_done, .arg = arg };
    look->call = systemd_bus_call(bus, &method, on_path, look, "s", name);
    return look;
}

struct systemd_look *systemd_look_cancel(struct systemd_look *look) {
    if (!look)
        return NULL;
    systemd_bus_cancel(look->call);
    free(look);
    return NULL;
}
