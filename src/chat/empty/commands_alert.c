#include "chat/command.h"

const struct command commands_alert[] = {
    { 0 },
};
