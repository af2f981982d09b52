// What a plugin's save is given to put values into: C functions that lead to a KeyedState.
#include "keyed_state.hpp"

namespace hotgraft {

hotgraft_sink KeyedState::sink() noexcept {
    hotgraft_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = this;
    sink.put = [](void *ctx, const char *key, std::uint32_t type, const void *data, std::uint64_t len) noexcept {
        return static_cast<KeyedState *>(ctx)->put(key, type, data, len);
    };
    sink.add = [](void *ctx, const hotgraft_key *key, std::uint32_t type, const void *data,
                  std::uint64_t len) noexcept { return static_cast<KeyedState *>(ctx)->add(key, type, data, len); };
    sink.open = [](void *ctx, const hotgraft_key *key, std::uint32_t type, std::uint64_t len) noexcept {
        return static_cast<KeyedState *>(ctx)->open(key, type, len);
    };
    sink.write = [](void *ctx, const void *data, std::uint64_t len) noexcept {
        return static_cast<KeyedState *>(ctx)->write(data, len);
    };
    sink.close = [](void *ctx) noexcept { return static_cast<KeyedState *>(ctx)->close(); };
    return sink;
}

} // namespace hotgraft
