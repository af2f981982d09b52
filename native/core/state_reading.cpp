#include "state_reading.hpp"

#include <memory>
#include <utility>

namespace hotgraft {

Status read_state(const RestWish &wish, std::vector<KeyedState> *saved, std::int64_t *pause_ns) {
    if (!wish.generation->can_save()) {
        return {Code::kRefused, "it offers no save"};
    }
    const auto states = std::make_shared<std::vector<KeyedState>>();
    for (std::size_t index = 0; index < wish.generation->instance_count(); ++index) {
        states->emplace_back();
    }
    Status status = at_rest(
        wish,
        [states](Generation &generation) {
            for (std::size_t index = 0; index < states->size(); ++index) {
                if (is_rest_given_up(index)) {
                    return Status(Code::kAbandoned, "given up");
                }
                if (Status one = generation.save(index, &(*states)[index]); !one.is_ok()) {
                    return one;
                }
            }
            return Status();
        },
        pause_ns);
    if (status.is_ok()) {
        *saved = std::move(*states);
    }
    return status;
}

} // namespace hotgraft
