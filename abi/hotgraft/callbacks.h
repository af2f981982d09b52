/* Optional capability of the host, "hotgraft.callbacks/1": call-backs from one plugin into another that follow the
 * swaps of whoever is called back.
 *
 * Who wants to be called back offers an interface struct under a key and gives the number to the other plugin, through
 * a function of that one's interface. Who calls back enters by the number instead of keeping an address:
 *
 *     const hotgraft_table *table = callbacks->enter(host->ctx, number);
 *     if (table != NULL) {
 *         HOTGRAFT_INTERFACE(meter_v1, table)->heard(table->self, loudness);
 *         host->leave(host->ctx, table);
 *     } else if (callbacks->is_over(host->ctx, number)) {
 *         ... forget the number
 *     }
 *
 * A number stands for a key of an instance, in all versions of its plugin. A swap of that plugin stops its call-backs
 * with its other functions, waits for those that are inside, and then lets the number lead to what the next version
 * offers under the key, or to nothing: no generation that was replaced is ever called back, and none is kept in memory
 * because it was not taken off somebody's list. The number stays true over swaps of who holds it too, if that one keeps
 * it in its state.
 *
 * Ask host->get_extension for it; a host that answers NULL does not offer it.
 */
#ifndef HOTGRAFT_CALLBACKS_H
#define HOTGRAFT_CALLBACKS_H

#include <stdint.h>

#include "host.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_CALLBACKS "hotgraft.callbacks/1"

typedef struct hotgraft_ext_callbacks {
    uint32_t struct_size;
    uint32_t reserved;

    /* Offer `functions`, an interface struct (static) of that version (major << 16 | minor), with the `self` they want,
     * from the moment this generation serves. Again, after a rollback for instance: the same number. Returns the
     * number, never 0; 0: no memory, or one of the functions does not lie in the plugin's code. [any] */
    uint64_t(HOTGRAFT_CALL *offer)(hotgraft_ctx *ctx, const char *key, uint32_t version, const void *functions,
                                   void *self) HOTGRAFT_NOTHROW;

    /* Offer it no more. HOTGRAFT_OK: no call is inside and none will come. HOTGRAFT_AGAIN: calls may still be inside;
     * ask again, and not from inside one. HOTGRAFT_E_INVALID: not a number of this generation's. [any] */
    hotgraft_status(HOTGRAFT_CALL *withdraw)(hotgraft_ctx *ctx, uint64_t number) HOTGRAFT_NOTHROW;

    /* Guard what the number leads to, for this thread, waiting while that is being replaced. Pair with host->leave.
     * NULL: there is nobody to be called, now or ever. [any] */
    const hotgraft_table *(HOTGRAFT_CALL *enter)(hotgraft_ctx *ctx, uint64_t number)HOTGRAFT_NOTHROW;

    /* Not 0: nobody offers it any more, or will without telling the number again. [any] */
    int32_t(HOTGRAFT_CALL *is_over)(hotgraft_ctx *ctx, uint64_t number) HOTGRAFT_NOTHROW;

    /* As host->lease, for something of this generation that another plugin holds and that is no such call-back: an
     * object, an address. `holder` is the id of an import, for its provider, or a plugin's name. A swap of this plugin
     * takes the holder along. Ends with host->unlease. [any] */
    uint64_t(HOTGRAFT_CALL *lease_to)(hotgraft_ctx *ctx, const char *holder, const char *why) HOTGRAFT_NOTHROW;
} hotgraft_ext_callbacks;

HOTGRAFT_EXTERN_C_END

#endif /* HOTGRAFT_CALLBACKS_H */
