#include "chat/words.h"

const struct words_pair russian_alert[] = {
    { 0 },
};
