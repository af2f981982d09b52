// What the instances of a generation that serves would save, while callers wait for a moment. Nothing is changed by it.
#ifndef HOTGRAFT_CORE_STATE_READING_HPP
#define HOTGRAFT_CORE_STATE_READING_HPP

#include <cstdint>
#include <vector>

#include "keyed_state.hpp"
#include "state_rest.hpp"

namespace hotgraft {

// `saved` gets one state per instance, in the order of the instances, and only when all went well. kRefused: it offers
// no save; the rest as at_rest() says.
[[nodiscard]] Status read_state(const RestWish &wish, std::vector<KeyedState> *saved, std::int64_t *pause_ns);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_STATE_READING_HPP
