/* fuzz: what a fuzz target is: one function that takes any bytes, and ASSERTs what must hold for all of them.
 *
 * With clang (preset fuzz) libFuzzer drives it; in every other build replay.c runs the corpus through it as a test. */
#ifndef SEALDROP_TESTS_FUZZ_H
#define SEALDROP_TESTS_FUZZ_H

#include <string.h>

#include "base/assert.h"
#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
