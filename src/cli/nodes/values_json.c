#include "cli/nodes/values_json.h"

#include "base/clock.h"
#include "cli/output.h"
#include "cli/terminal/units.h"

void values_json_add(struct buf *out,
                     const char *name,
                     const struct values *values,
                     const char *eol) {
    const char *indent = *eol ? "  " : " ";
    char time[CLOCK_TEXT_LEN];
    char number[UNITS_LEN];

    buf_printf(out, "{%s%s\"name\": ", eol, *eol ? indent : "");
    output_add_string(out, name);
    buf_printf(out, ",%s%s\"state\": \"%s\"", eol, indent,
               values->online ? "ONLINE" : "OFFLINE");
    if (values->time_ms > 0) {
        clock_print(values->time_ms, time);
        buf_printf(out, ",%s%s\"time\": \"%s\"", eol, indent, time);
    }
    for (size_t i = 0; i < values->count; i++) {
        const struct value *value = &values->items[i];
        if (!value->is_there)
            continue;
        units_json(value->number, value->scale, number);
        buf_printf(out, ",%s%s", eol, indent);
        output_add_string(out, value->name);
        buf_printf(out, ": %s", number);
    }
    buf_printf(out, "%s}", eol);
}
