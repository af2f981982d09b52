// The step that tells the next generation of a block which is the host's.
#include <memory>

#include "window.hpp"

namespace hotgraft {

// Until next says that it uses it, what was converted is the window's.
Status Window::attach(const InstanceMove &move, Generation &next, Carried &state) {
    state.shared_before = next.shared_block(move.next_index);
    if (move.way == StateWay::kShare) {
        // On the way back it may never have used another.
        const bool is_told = state.shared != nullptr && state.shared == state.shared_before;
        return is_told ? Status() : next.attach(move.next_index, state.shared);
    }
    const auto block = std::make_shared<SharedBlock>(state.converted.data, state.converted.bytes);
    state.converted = {};
    return next.attach(move.next_index, block);
}

} // namespace hotgraft
