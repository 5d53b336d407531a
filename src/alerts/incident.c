#include "alerts/incident.h"

#include <stdlib.h>

#include "base/mem.h"

void incident_set(char **field, const char *text) {
    char *before = *field;

    *field = mem_strdup(text);
    free(before);
}
