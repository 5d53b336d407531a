#include "wire/pbnumber.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "wire/json_reader.h"

enum { EXPONENT_MAX = 1000 * 1000 * 1000 };

static bool add_special(struct buf *out, double value) {
    if (isnan(value))
        buf_add_text(out, "\"NaN\"");
    else if (isinf(value))
        buf_add_text(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else
        return false;
    return true;
}

void pbnumber_add_double(struct buf *out, double value) {
    char text[40];

    if (add_special(out, value))
        return;
    /* 17 digits always suffice. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_add_text(out, text);
}

void pbnumber_add_float(struct buf *out, float value) {
    char text[40];

    if (add_special(out, value))
        return;
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtof(text, NULL) == value)
            break;
    }
    buf_add_text(out, text);
}

static bool is_number(struct slice text) {
    return text.len > 0 && json_reader_number_len(text) == text.len;
}

/* A decimal taken apart: its digits without the point, times ten to the exponent. */
struct decimal {
    bool is_negative;
    struct slice whole;    /* digits before the point */
    struct slice fraction; /* digits after it */
    int64_t exponent;
};

static size_t count_digits(struct slice text) {
    size_t len = 0;
    while (len < text.len && text.at[len] >= '0' && text.at[len] <= '9')
        len++;
    return len;
}

static int64_t read_exponent(struct slice text) {
    bool is_negative = text.at[0] == '-';
    int64_t value = 0;

    for (size_t i = text.at[0] == '-' || text.at[0] == '+'; i < text.len; i++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (text.at[i] - '0');
    return is_negative ? -value : value;
}

/* The text is a JSON number. */
static struct decimal take_apart(struct slice text) {
    struct decimal decimal = { 0 };

    if (text.at[0] == '-') {
        decimal.is_negative = true;
        text = slice_after(text, 1);
    }
    decimal.whole = slice_of(text.at, count_digits(text));
    text = slice_after(text, decimal.whole.len);
    if (text.len > 0 && text.at[0] == '.') {
        text = slice_after(text, 1);
        decimal.fraction = slice_of(text.at, count_digits(text));
        text = slice_after(text, decimal.fraction.len);
    }
    if (text.len > 0)
        decimal.exponent = read_exponent(slice_after(text, 1));
    return decimal;
}

static uint8_t digit_at(const struct decimal *decimal, size_t i) {
    if (i < decimal->whole.len)
        return (uint8_t)(decimal->whole.at[i] - '0');
    return (uint8_t)(decimal->fraction.at[i - decimal->whole.len] - '0');
}

/* The value without its sign: 0, or PBNUMBER_E_RANGE. */
static int whole_value(const struct decimal *decimal, uint64_t *ret_value) {
    size_t count = decimal->whole.len + decimal->fraction.len;
    /* How many of the digits stand before the point once it is moved. */
    int64_t point = (int64_t)decimal->whole.len + decimal->exponent;
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++) {
        uint8_t digit = digit_at(decimal, i);
        if ((int64_t)i >= point) {
            if (digit != 0)
                return PBNUMBER_E_RANGE;
            continue;
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return PBNUMBER_E_RANGE;
    }
    for (int64_t i = (int64_t)count; value != 0 && i < point; i++)
        if (__builtin_mul_overflow(value, 10, &value))
            return PBNUMBER_E_RANGE;
    *ret_value = value;
    return 0;
}

int pbnumber_read_int64(struct slice text, int64_t min, int64_t max, int64_t *ret_value) {
    if (!is_number(text))
        return PBNUMBER_E_BAD;
    struct decimal decimal = take_apart(text);
    uint64_t size;
    int r = whole_value(&decimal, &size);
    if (r != 0)
        return r;
    if (size > (uint64_t)INT64_MAX + decimal.is_negative)
        return PBNUMBER_E_RANGE;
    int64_t value = decimal.is_negative ? (int64_t)(0 - size) : (int64_t)size;
    if (value < min || value > max)
        return PBNUMBER_E_RANGE;
    *ret_value = value;
    return 0;
}

int pbnumber_read_uint64(struct slice text, uint64_t max, uint64_t *ret_value) {
    if (!is_number(text))
        return PBNUMBER_E_BAD;
    struct decimal decimal = take_apart(text);
    uint64_t value;
    int r = whole_value(&decimal, &value);
    if (r != 0)
        return r;
    if (value > max || (decimal.is_negative && value != 0))
        return PBNUMBER_E_RANGE;
    *ret_value = value;
    return 0;
}

static bool read_special(struct slice text, double *ret_value) {
    if (slice_is_text(text, "NaN"))
        *ret_value = (double)NAN;
    else if (slice_is_text(text, "Infinity"))
        *ret_value = (double)INFINITY;
    else if (slice_is_text(text, "-Infinity"))
        *ret_value = -(double)INFINITY;
    else
        return false;
    return true;
}

int pbnumber_read_double(struct slice text, double *ret_value) {
    if (read_special(text, ret_value))
        return 0;
    if (!is_number(text))
        return PBNUMBER_E_BAD;
    char *copy = mem_dup(text.at, text.len);
    double value = strtod(copy, NULL);
    free(copy);
    if (isinf(value))
        return PBNUMBER_E_RANGE;
    *ret_value = value;
    return 0;
}

int pbnumber_read_float(struct slice text, float *ret_value) {
    double special;

    if (read_special(text, &special)) {
        *ret_value = (float)special;
        return 0;
    }
    if (!is_number(text))
        return PBNUMBER_E_BAD;
    char *copy = mem_dup(text.at, text.len);
    float value = strtof(copy, NULL);
    free(copy);
    if (isinf(value))
        return PBNUMBER_E_RANGE;
    *ret_value = value;
    return 0;
}
