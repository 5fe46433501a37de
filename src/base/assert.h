/* ASSERT: for programmer errors only, on in release builds too. User input is never asserted. */
#ifndef SEALDROP_BASE_ASSERT_H
#define SEALDROP_BASE_ASSERT_H

__attribute__((noreturn)) void assert_failed(const char *expr, const char *file, int line);

#define ASSERT(x) ((x) ? (void)0 : assert_failed(#x, __FILE__, __LINE__))

#endif
