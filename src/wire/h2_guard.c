#include "wire/h2_guard.h"

void h2_guard_init(struct h2_guard *guard) {
    guard->points = H2_GUARD_BUDGET;
}

void h2_guard_charge(struct h2_guard *guard, int64_t points) {
    guard->points -= points;
}

void h2_guard_refill(struct h2_guard *guard, int64_t points) {
    guard->points += points;
    if (guard->points > H2_GUARD_BUDGET)
        guard->points = H2_GUARD_BUDGET;
}

void h2_guard_useful(struct h2_guard *guard, size_t len) {
    h2_guard_refill(guard, H2_GUARD_USEFUL + (int64_t)(len / H2_GUARD_USEFUL_BYTES));
}

bool h2_guard_is_empty(const struct h2_guard *guard) {
    return guard->points < 0;
}
