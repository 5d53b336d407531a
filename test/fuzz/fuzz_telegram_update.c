/* Any bytes in the place of an update: what becomes an input has all that one needs. */
#include <stdlib.h>
#include <string.h>

#include "chat/telegram/updates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct updates_self self = { .id = "42", .name = "roost_bot" };
    struct updates_update update;

    if (!updates_read(slice_of(data, size), &self, &update))
        return 0;
    const struct chat_input *input = &update.input;
    if (update.kind == UPDATES_INPUT &&
        (strlen(input->id) == 0 || strlen(input->text) == 0 || !input->message ||
         strlen(input->place.chat) == 0 || strlen(input->person.id) == 0 ||
         !input->person.name || (input->kind == CHAT_PRESS && !*input->query)))
        abort();
    if (update.kind == UPDATES_MOVED && !*update.moved_to)
        abort();
    updates_done(&update);
    return 0;
}
