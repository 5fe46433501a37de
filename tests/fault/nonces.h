/* nonces: every chunk that is sealed, by this process and its children, remembered by its message's header (salt and commitment) and its
 * number. The same ones for two plaintexts would be a nonce used twice. The linker puts this in front of crypto/seal.h. */
#ifndef SEALDROP_TESTS_FAULT_NONCES_H
#define SEALDROP_TESTS_FAULT_NONCES_H

#include <stdbool.h>

/* Before the first child. */
void nonces_watch(void);
void nonces_forget(void);
bool nonces_used_twice(void);

#endif
