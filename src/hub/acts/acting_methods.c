#include "hub/acts/acting_methods.h"

#include <string.h>

#include "compat/fluentd.pb-c.h"
#include "roost/v1/power.pb-c.h"
#include "roost/v1/probe.pb-c.h"
#include "roost/v1/processes.pb-c.h"
#include "roost/v1/units.pb-c.h"

#define UNITS   &roost__v1__units__descriptor
#define POWER   &roost__v1__power__descriptor
#define PROBE   &roost__v1__probe__descriptor
#define FLUENTD &external__fluentd__descriptor

static const struct acting_method rows[] = {
    { "/roost.v1.Processes/Signal", "signal", true, &roost__v1__processes__descriptor },
    { "/roost.v1.Units/Start", "units", true, UNITS },
    { "/roost.v1.Units/Stop", "units", true, UNITS },
    { "/roost.v1.Units/Restart", "units", true, UNITS },
    { "/roost.v1.Units/Reload", "units", true, UNITS },
    { "/roost.v1.Units/Enable", "units", true, UNITS },
    { "/roost.v1.Units/Disable", "units", true, UNITS },
    { "/external.Fluentd/Start", "units", true, FLUENTD },
    { "/external.Fluentd/Stop", "units", true, FLUENTD },
    { "/external.Fluentd/Restart", "units", true, FLUENTD },
    { "/roost.v1.Power/Reboot", "power", true, POWER },
    { "/roost.v1.Power/Shutdown", "power", true, POWER },
    { "/roost.v1.Power/Cancel", "power", false, POWER },
    { "/roost.v1.Power/Wake", "power", false, POWER },
    { "/roost.v1.Probe/SpeedTest", "probe", false, PROBE },
    { "/roost.v1.Probe/Stability", "probe", false, PROBE },
    { "/roost.v1.Probe/Diagnose", "look", false, PROBE },
    { "/roost.v1.Probe/Ping", "probe", false, PROBE },
    { "/roost.v1.Probe/Tcp", "probe", false, PROBE },
    { "/roost.v1.Probe/Http", "probe", false, PROBE },
    { "/roost.v1.Probe/Dns", "probe", false, PROBE },
};

/* Is it a back end's, so none of them? Most calls are. */
static bool is_foreign(const char *method) {
    return strncmp(method, "/roost.v1.", 10) != 0 &&
           strncmp(method, "/external.Fluentd/", 18) != 0;
}

const struct acting_method *acting_methods_find(const char *method) {
    if (is_foreign(method))
        return NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].method, method) == 0)
            return &rows[i];
    return NULL;
}

const ProtobufCMessageDescriptor *acting_methods_request(
    const struct acting_method *row) {
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(row->service,
                                                         strrchr(row->method, '/') + 1);
    return method ? method->input : NULL;
}
