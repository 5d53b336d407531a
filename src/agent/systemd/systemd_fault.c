#include "agent/systemd/systemd_fault.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define OF_SYSTEMD "org.freedesktop.systemd1."
#define OF_DBUS    "org.freedesktop.DBus.Error."

static const struct {
    const char *name;
    enum grpc_status status;
} errors[] = {
    { OF_SYSTEMD "NoSuchUnit", GRPC_NOT_FOUND },
    { OF_SYSTEMD "LoadFailed", GRPC_NOT_FOUND },
    { OF_SYSTEMD "NoSuchUnitFile", GRPC_NOT_FOUND },
    { OF_DBUS "FileNotFound", GRPC_NOT_FOUND },
    { OF_DBUS "UnknownObject", GRPC_NOT_FOUND },
    { OF_SYSTEMD "UnitMasked", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "BadUnitSetting", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "UnitGenerated", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "JobTypeNotApplicable", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "OnlyByDependency", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "NoIsolation", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "ShuttingDown", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "UnitIsTransient", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "UnitLinked", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "UnitExists", GRPC_FAILED_PRECONDITION },
    { OF_SYSTEMD "TransactionIsDestructive", GRPC_ABORTED },
    { OF_SYSTEMD "TransactionJobsConflicting", GRPC_ABORTED },
    { OF_SYSTEMD "TransactionOrderIsCyclic", GRPC_ABORTED },
    { OF_DBUS "InvalidArgs", GRPC_INVALID_ARGUMENT },
    { OF_DBUS "AccessDenied", GRPC_PERMISSION_DENIED },
    { OF_DBUS "AuthFailed", GRPC_PERMISSION_DENIED },
    { OF_DBUS "InteractiveAuthorizationRequired", GRPC_PERMISSION_DENIED },
    { OF_DBUS "UnknownMethod", GRPC_UNIMPLEMENTED },
    { OF_DBUS "UnknownInterface", GRPC_UNIMPLEMENTED },
    { OF_DBUS "ServiceUnknown", GRPC_UNIMPLEMENTED },
    { OF_DBUS "NameHasNoOwner", GRPC_UNIMPLEMENTED },
    { OF_DBUS "Spawn.ServiceNotFound", GRPC_UNIMPLEMENTED },
    { OF_DBUS "NoReply", GRPC_UNAVAILABLE },
    { OF_DBUS "Timeout", GRPC_UNAVAILABLE },
    { OF_DBUS "Disconnected", GRPC_UNAVAILABLE },
    { OF_DBUS "NoServer", GRPC_UNAVAILABLE },
    { OF_DBUS "LimitsExceeded", GRPC_RESOURCE_EXHAUSTED },
};

enum grpc_status systemd_fault_status(const char *name) {
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strcmp(errors[i].name, name) == 0)
            return errors[i].status;
    return GRPC_UNKNOWN;
}

static const char *no_systemd(bool is_user) {
    return is_user ? "no systemd runs for this agent's user (units need loginctl "
                     "enable-linger, or a session)"
                   : "this host is not run by systemd: it has no units";
}

char *systemd_fault_text(const char *name, const char *message, bool is_user) {
    const char *text = message && message[0] ? message : name;
    size_t len = strlen(text);

    while (len > 0 && (text[len - 1] == '.' || text[len - 1] == '\n'))
        len--;
    switch (systemd_fault_status(name)) {
    case GRPC_PERMISSION_DENIED:
        return mem_printf(
            "systemd does not let the agent do this (%.*s): on the host, as "
            "root, roost-agent policy apply",
            (int)len, text);
    case GRPC_UNIMPLEMENTED:
        return mem_printf("%s (%.*s)", no_systemd(is_user), (int)len, text);
    default:
        return mem_printf("%.*s", (int)len, text);
    }
}

enum grpc_status systemd_fault_connect_status(bool has_systemd) {
    return has_systemd ? GRPC_UNAVAILABLE : GRPC_UNIMPLEMENTED;
}

char *systemd_fault_connect_text(int error, bool has_systemd, bool is_user) {
    if (!has_systemd)
        return mem_strdup(no_systemd(is_user));
    return mem_printf("systemd cannot be reached over D-Bus: %s", strerror(error));
}
