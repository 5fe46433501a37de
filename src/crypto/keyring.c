/* The front of every keyring: root key files, the layout of wrapped keys, dispatch. The keys themselves live behind the ops. */
#include "crypto/keyring.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/keyring_impl.h"
#include "os/clock.h"
#include "os/file.h"

#define ROOT_TEXT 43 /* base64url of 32 bytes, unpadded */

struct root_file {
    char b[ROOT_TEXT + 2]; /* a final newline, and one byte more to see that the file goes on */
    size_t n;
};

static void root_file_done(struct root_file *f) { mem_wipe(f, sizeof *f); }

static enum err root_decode(const struct root_file *f, struct key *ret)
{
    CLEANUP(key_done) struct key out;
    size_t got = 0, n = f->n;
    if (n == KEY_BYTES) {
        memcpy(ret->b, f->b, KEY_BYTES);
        return ERR_OK;
    }
    if (n == ROOT_TEXT + 1 && f->b[ROOT_TEXT] == '\n') n--;
    if (n != ROOT_TEXT || sodium_base642bin(out.b, sizeof out.b, f->b, n, NULL, &got, NULL,
                                            sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return ERR_INVALID;
    *ret = out;
    return ERR_OK;
}

static enum err root_read(struct ctx *c, const char *path, struct root_file *ret)
{
    struct stat st;
    CLEANUP(fd_close) int fd = -1;
    enum err e = file_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0, &fd);
    if (e != ERR_OK) return fail(c, e, "root key '%s': cannot open (errno %d)", path, errno);
    if (sys()->fstat(fd, &st) != 0) return fail(c, sys_err(errno), "root key '%s': fstat (errno %d)", path, errno);
    if (!S_ISREG(st.st_mode)) return fail(c, ERR_INVALID, "root key '%s' is not a regular file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return fail(c, ERR_DENIED, "root key '%s' has mode %04o: others can reach it; make it 0600", path,
                    (unsigned)(st.st_mode & 07777));
    e = file_pread(fd, ret->b, sizeof ret->b, 0, &ret->n);
    if (e != ERR_OK) return fail(c, e, "root key '%s': cannot read (errno %d)", path, errno);
    return ERR_OK;
}

enum err keyring_open_file(struct ctx *c, const char *path, struct keyring **ret)
{
    CLEANUP(root_file_done) struct root_file f = {0};
    CLEANUP(key_done) struct key root = {0};
    TRY(root_read(c, path, &f));
    if (root_decode(&f, &root) != ERR_OK)
        return fail(c, ERR_INVALID, "root key '%s' is neither 32 raw bytes nor 43 base64url characters", path);
    return keyring_local_new(c, &root, ret);
}

enum err keyring_create_file(struct ctx *c, const char *path)
{
    CLEANUP(root_file_done) struct root_file f = {0};
    CLEANUP(key_done) struct key root = {0};
    if (os_random(root.b, sizeof root.b) != ERR_OK) return fail(c, ERR_CRYPTO, "no random bytes for a root key");
    sodium_bin2base64(f.b, sizeof f.b, root.b, sizeof root.b, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    f.b[ROOT_TEXT] = '\n';
    enum err e = file_create(path, slice_of(f.b, ROOT_TEXT + 1), S_IRUSR | S_IWUSR);
    return e == ERR_OK ? ERR_OK : fail(c, e, "root key '%s': cannot create (errno %d)", path, errno);
}

void keyring_close(struct keyring *k)
{
    if (k) k->ops->close(k);
}

enum err keyring_fingerprint(const struct keyring *k, uint8_t ret[8])
{
    k->ops->fingerprint(k, ret);
    return ERR_OK;
}

enum err keyring_new_kek(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id,
                         struct sealed_kek *ret)
{
    return k->ops->new_kek(c, k, kek_id, org_id, ret);
}

enum err keyring_add_kek(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id, bool active,
                         struct slice sealed)
{
    if (sealed.len != SEALED_KEK_BYTES)
        return fail(c, ERR_CORRUPT, "organisation key has %zu bytes, not %d", sealed.len, SEALED_KEK_BYTES);
    return k->ops->add_kek(c, k, kek_id, org_id, active, sealed);
}

enum err keyring_wrap(struct ctx *c, struct keyring *k, const struct id *org_id, struct slice context, const struct key *key,
                      struct wrapped_key *ret)
{
    return k->ops->wrap(c, k, org_id, context, key, ret);
}

enum err keyring_unwrap(struct ctx *c, struct keyring *k, struct slice context, struct slice wrapped, struct key *ret)
{
    struct id kek_id;
    if (wrapped_key_kek(wrapped, &kek_id) != ERR_OK) return fail(c, ERR_CORRUPT, "not a wrapped key");
    return k->ops->unwrap(c, k, context, wrapped, ret);
}

enum err wrapped_key_kek(struct slice wrapped, struct id *ret)
{
    if (wrapped.len != WRAPPED_KEY_BYTES || wrapped.ptr[0] != WRAPPED_VERSION ||
        wrapped.ptr[1] != WRAPPED_ALG_COBBLESTONE_256)
        return ERR_CORRUPT;
    memcpy(ret->b, wrapped.ptr + WRAPPED_KEK_AT, sizeof ret->b);
    return ERR_OK;
}
