/*
 * check - assertions and the list of tests of a unit test program
 *
 * A test is a function without arguments, named as a sentence; TESTS(...) makes main()
 * run them all under cmocka with TAP output.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Fails the running test with file, line and the text of the condition. */
#define CHECK(condition)        assert_true(condition)
#define CHECK_INT(got, wanted)  assert_int_equal(got, wanted)
#define CHECK_TEXT(got, wanted) assert_string_equal(got, wanted)

/* One row of the list in TESTS: TEST(function). */
#define TEST(function)                                                                   \
    { #function, check_run, NULL, NULL, (void *)(function) }

static inline void check_run(void **state) {
    void (*test)(void) = (void (*)(void)) * state;
    test();
}

#define TESTS(...)                                                                       \
    int main(void) {                                                                     \
        const struct CMUnitTest tests[] = { __VA_ARGS__ };                               \
        setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 0);                                       \
        return cmocka_run_group_tests(tests, NULL, NULL);                                \
    }
