/* Optional capability of the host, "hotgraft.threads/1": a plugin tells which threads are its own, so that they may
 * call other plugins, and wait for them, although quiesce joins them.
 *
 * A thread that start or resume began calls register_thread before anything else, and unregister_thread before it ends.
 * Between the two, where its plugin is replaced together with others that it calls:
 *
 *   (1) Closed gates let it through, to the versions that go, until the quiesce of its instance has returned: who
 * waited there would wait for the swap, the swap for quiesce, and quiesce for the thread. (2) By then it has to have
 * ended, or unregistered: quiesce joins it. If it has not, the swap is called off and says which thread it is. (3)
 * enter answers NULL instead of waiting where what it calls comes to rest before its own plugin does, as a consumer
 *       does that is called back: it goes on to look whether it is to stop. What it provides for others it can call to
 *       the end.
 *
 * Without it such a thread calls with try_enter, or the swap of both is called off at its deadline. Ask
 * host->get_extension for it; a host that answers NULL does not offer it.
 */
#ifndef HOTGRAFT_THREADS_H
#define HOTGRAFT_THREADS_H

#include <stdint.h>

#include "host.h"

HOTGRAFT_EXTERN_C_BEGIN

#define HOTGRAFT_EXT_THREADS "hotgraft.threads/1"

typedef struct hotgraft_ext_threads {
    uint32_t struct_size;
    uint32_t reserved;

    /* The calling thread is this instance's, until it ends or unregisters. HOTGRAFT_E_INVALID, and nothing changes: it
     * is registered already, it is inside a call (then it is its caller's thread), or it is one of the host's, as in
     * start itself. HOTGRAFT_E_NOMEM: no memory for its record. [any] */
    hotgraft_status(HOTGRAFT_CALL *register_thread)(hotgraft_ctx *ctx) HOTGRAFT_NOTHROW;

    /* It is so no more. HOTGRAFT_E_INVALID: it was not registered by this instance. A thread that ends without it is
     * unregistered as it ends, before a join of it returns. [any, the same thread] */
    hotgraft_status(HOTGRAFT_CALL *unregister_thread)(hotgraft_ctx *ctx) HOTGRAFT_NOTHROW;

    /* How many threads of this instance are registered now. [any] */
    uint64_t(HOTGRAFT_CALL *count)(hotgraft_ctx *ctx) HOTGRAFT_NOTHROW;
} hotgraft_ext_threads;

HOTGRAFT_EXTERN_C_END

#if defined(__cplusplus)
namespace hotgraft {

/* The thread that makes it is the instance's own until the end of the scope, where the host offers that. */
class OwnThread {
public:
    explicit OwnThread(const hotgraft_host &host) noexcept
        : ctx_(host.ctx),
          threads_(static_cast<const hotgraft_ext_threads *>(host.get_extension(host.ctx, HOTGRAFT_EXT_THREADS))) {
        is_registered_ = threads_ != nullptr && threads_->register_thread(ctx_) == HOTGRAFT_OK;
    }
    ~OwnThread() {
        if (is_registered_) {
            (void)threads_->unregister_thread(ctx_);
        }
    }
    OwnThread(const OwnThread &) = delete;
    OwnThread &operator=(const OwnThread &) = delete;

    /* False: calls from here are anybody's; use try_enter. */
    explicit operator bool() const noexcept { return is_registered_; }

private:
    hotgraft_ctx *ctx_;
    const hotgraft_ext_threads *threads_;
    bool is_registered_ = false;
};

} // namespace hotgraft
#endif

#endif /* HOTGRAFT_THREADS_H */
