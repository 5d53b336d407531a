#include "store/chunk/chunk_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/chunk/chunk_relation.h"
#include "wire/sample.h"

enum {
    NEAR = 32,       /* places that columns may be apart */
    STEPS_MAX = 256, /* changes that are looked at in each column */
    STEPS_MIN = 32,
    LANES = 2,
};

static const double rounding = 1.0 / 12; /* variance of what whole numbers cut off */
static const double nearly = 0.03;       /* factors so near a whole number are one */

/* Numbers that the processor treats as one; they need not lie at multiples of 16. */
typedef double lanes
    __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double))));

/* What is known of a column; products with those before it begin with itself. */
struct column {
    const int64_t *values; /* borrowed: the caller's */
    uint64_t range;
    bool is_related;
    bool is_needed;
    bool is_usable;
    lanes steps[STEPS_MAX / LANES];
    double products[NEAR + 1];
};

struct chunk_search {
    struct column *columns; /* owned; column_max of them */
    size_t column_count;
    size_t column_max;
    size_t step_count;
};

struct chunk_search *chunk_search_new(void) {
    return mem_new(sizeof(struct chunk_search));
}

struct chunk_search *chunk_search_free(struct chunk_search *search) {
    if (!search)
        return NULL;
    free(search->columns);
    free(search);
    return NULL;
}

/* --- Looking -------------------------------------------------------------------------
 */

static bool find_range(const int64_t *values, size_t count, uint64_t *ret_range) {
    int64_t least = INT64_MAX, greatest = INT64_MIN;

    for (size_t i = 0; i < count; i++) {
        if (values[i] == SAMPLE_ABSENT)
            continue;
        least = values[i] < least ? values[i] : least;
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    *ret_range = (uint64_t)greatest - (uint64_t)least;
    return least < greatest && *ret_range < INT64_MAX / 4;
}

static void look_at(struct column *column, size_t count, size_t step_count) {
    size_t stride = (count - 1) / step_count;
    const int64_t *values = column->values;

    memset(column->steps, 0, sizeof(column->steps));
    column->is_usable = find_range(values, count, &column->range);
    if (!column->is_usable)
        return;
    for (size_t i = 0; i < step_count; i++) {
        const int64_t *value = &values[1 + i * stride];
        if (value[0] != SAMPLE_ABSENT && value[-1] != SAMPLE_ABSENT)
            column->steps[i / LANES][i % LANES] = (double)(value[0] - value[-1]);
    }
}

static double multiply(const struct column *a, const struct column *b) {
    lanes even = { 0 }, odd = { 0 };

    for (size_t i = 0; i < STEPS_MAX / LANES; i += 2) {
        even += a->steps[i] * b->steps[i];
        odd += a->steps[i + 1] * b->steps[i + 1];
    }
    return even[0] + even[1] + odd[0] + odd[1];
}

void chunk_search_start(struct chunk_search *search,
                        const int64_t *const *columns,
                        size_t series_count,
                        size_t count) {
    if (series_count > search->column_max) {
        free(search->columns);
        search->columns = mem_new_array(series_count, sizeof(*search->columns));
        search->column_max = series_count;
    }
    search->column_count = count > STEPS_MIN ? series_count : 0;
    search->step_count = count > STEPS_MAX ? STEPS_MAX : count - 1;
    for (size_t i = 0; i < search->column_count; i++) {
        struct column *column = &search->columns[i];
        column->values = columns[i];
        column->is_related = column->is_needed = false;
        look_at(column, count, search->step_count);
        for (size_t near = 0; near <= NEAR && near <= i; near++)
            column->products[near] =
                column->is_usable && column[-(ptrdiff_t)near].is_usable
                    ? multiply(column, column - near)
                    : 0;
    }
}

/* --- Finding -------------------------------------------------------------------------
 */

static double product(const struct chunk_search *search, size_t a, size_t b) {
    return a > b ? search->columns[a].products[a - b]
                 : search->columns[b].products[b - a];
}

/* Others, the factors that explain most of a column, and what they leave. */
struct guess {
    size_t count;
    size_t places[CHUNK_RELATION_OTHERS];
    double factors[CHUNK_RELATION_OTHERS];
    double left; /* of the sum of squares */
};

static void try_one(const struct chunk_search *search,
                    size_t place,
                    size_t other,
                    struct guess *best) {
    double both = product(search, place, other), own = product(search, other, other);
    double left = product(search, place, place) - both * both / own;

    if (own > 0 && left < best->left)
        *best = (struct guess) { 1, { other }, { both / own }, left };
}

static void try_two(const struct chunk_search *search,
                    size_t place,
                    size_t a,
                    size_t b,
                    struct guess *best) {
    double aa = product(search, a, a), bb = product(search, b, b);
    double ab = product(search, a, b);
    double with_a = product(search, place, a), with_b = product(search, place, b);
    double determinant = aa * bb - ab * ab;

    if (determinant <= 1e-6 * aa * bb) /* the two tell the same */
        return;
    double factor_a = (with_a * bb - with_b * ab) / determinant;
    double factor_b = (with_b * aa - with_a * ab) / determinant;
    double left = product(search, place, place) - factor_a * with_a - factor_b * with_b;
    if (left < best->left)
        *best = (struct guess) { 2, { a, b }, { factor_a, factor_b }, left };
}

static bool can_tell(const struct chunk_search *search, size_t place) {
    return search->columns[place].is_usable && !search->columns[place].is_related &&
           product(search, place, place) > 0;
}

/* The factor as a fraction that is as exact as the other's range asks for and as 32 bits
 * can be. */
static void set_other(struct chunk_relation *relation,
                      const struct chunk_search *search,
                      size_t place,
                      double factor) {
    uint64_t range = search->columns[place].range;
    double whole = rint(factor);
    unsigned shift = 0;

    if (fabs(factor - whole) <= nearly * fabs(whole))
        factor = whole;
    else
        while (shift < CHUNK_RELATION_SHIFT_MAX && (uint64_t)1 << shift < range * 2 &&
               fabs(ldexp(factor, (int)shift + 1)) < INT32_MAX)
            shift++;
    factor = rint(ldexp(factor, (int)shift));
    if (factor == 0 || fabs(factor) > INT32_MAX)
        return;
    size_t at = relation->count++;
    relation->others[at].place = place;
    relation->others[at].factor = (int32_t)factor;
    relation->others[at].shift = shift;
}

static double bits_saved(const struct chunk_search *search,
                         size_t place,
                         const struct guess *guess) {
    double steps = (double)search->step_count;
    double before = product(search, place, place) / steps, after = guess->left / steps;
    return log2((before + rounding) / (fmax(after, 0) + rounding)) / 2;
}

/* The best of one or two places from begin on. */
static struct guess find_others(const struct chunk_search *search,
                                size_t place,
                                size_t begin,
                                size_t end) {
    struct guess one = { .left = product(search, place, place) };

    for (size_t a = begin; a < end; a++)
        if (can_tell(search, a))
            try_one(search, place, a, &one);
    /* A second one costs time to read: it must explain half of what the first leaves. */
    struct guess two = { .left = one.left / 2 };
    for (size_t a = begin; a < end; a++)
        for (size_t b = begin; b < a && can_tell(search, a); b++)
            if (can_tell(search, b))
                try_two(search, place, a, b, &two);
    return two.count > 0 ? two : one;
}

double chunk_search_best(const struct chunk_search *search,
                         size_t place,
                         bool is_behind,
                         struct chunk_relation *ret_relation) {
    if (place >= search->column_count || !can_tell(search, place))
        return 0;
    size_t begin = is_behind ? place + 1 : place - (place < NEAR ? place : NEAR);
    size_t end = is_behind ? place + 1 + NEAR : place;
    if (end > search->column_count)
        end = search->column_count;

    struct guess guess = find_others(search, place, begin, end);
    struct chunk_relation relation = { 0 };
    for (size_t i = 0; i < guess.count; i++)
        set_other(&relation, search, guess.places[i], guess.factors[i]);
    if (relation.count == 0)
        return 0;
    *ret_relation = relation;
    return bits_saved(search, place, &guess);
}

void chunk_search_relate(struct chunk_search *search,
                         size_t place,
                         const struct chunk_relation *relation) {
    search->columns[place].is_related = true;
    for (size_t i = 0; i < relation->count; i++)
        search->columns[relation->others[i].place].is_needed = true;
}

bool chunk_search_is_free(const struct chunk_search *search, size_t place) {
    return place < search->column_count && !search->columns[place].is_related &&
           !search->columns[place].is_needed;
}
