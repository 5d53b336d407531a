#include "chat/turn/turn_types.h"

#include <string.h>

#include "roost/v1/activity.pb-c.h"
#include "roost/v1/acts.pb-c.h"
#include "roost/v1/admin.pb-c.h"
#include "roost/v1/alerts.pb-c.h"
#include "roost/v1/gateway.pb-c.h"
#include "roost/v1/groups.pb-c.h"
#include "roost/v1/host.pb-c.h"
#include "roost/v1/link.pb-c.h"
#include "roost/v1/metrics.pb-c.h"
#include "roost/v1/nodes.pb-c.h"
#include "roost/v1/power.pb-c.h"
#include "roost/v1/probe.pb-c.h"
#include "roost/v1/processes.pb-c.h"
#include "roost/v1/tokens.pb-c.h"
#include "roost/v1/transfer.pb-c.h"
#include "roost/v1/units.pb-c.h"
#include "roost/v1/usage.pb-c.h"
#include "roost/v1/users.pb-c.h"

static const ProtobufCServiceDescriptor *const services[] = {
    &roost__v1__activity__descriptor,  &roost__v1__acts__descriptor,
    &roost__v1__admin__descriptor,     &roost__v1__alerts__descriptor,
    &roost__v1__approvals__descriptor, &roost__v1__gateway__descriptor,
    &roost__v1__groups__descriptor,    &roost__v1__host__descriptor,
    &roost__v1__link__descriptor,      &roost__v1__metrics__descriptor,
    &roost__v1__nodes__descriptor,     &roost__v1__power__descriptor,
    &roost__v1__probe__descriptor,     &roost__v1__processes__descriptor,
    &roost__v1__tokens__descriptor,    &roost__v1__transfer__descriptor,
    &roost__v1__units__descriptor,     &roost__v1__usage__descriptor,
    &roost__v1__users__descriptor,
};

const ProtobufCMethodDescriptor *turn_types_find(const char *method) {
    const char *slash = method[0] == '/' ? strchr(method + 1, '/') : NULL;

    if (!slash)
        return NULL;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        const ProtobufCServiceDescriptor *service = services[i];
        size_t len = (size_t)(slash - method) - 1;

        if (strlen(service->name) == len && strncmp(service->name, method + 1, len) == 0)
            return protobuf_c_service_descriptor_get_method_by_name(service, slash + 1);
    }
    return NULL;
}
