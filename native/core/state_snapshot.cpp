#include "state_snapshot.hpp"

#include <cstring>
#include <new>
#include <utility>

#include "control.hpp"

namespace hotgraft {

namespace {

// Where blocks are copied to; kept by the control thread if that is abandoned.
struct Photo {
    StateSnapshot made;
    std::shared_ptr<const CopyProgram> walk;
    std::uint64_t room = 0; // left in the last piece of memory
    unsigned char *next = nullptr;

    void add_room(std::uint64_t bytes) {
        made.memory.push_back(std::make_unique<unsigned char[]>(bytes)); // zeroed, so touched
        next = made.memory.back().get();
        room = bytes;
    }

    // At least one byte, so that a block of none is not no block.
    unsigned char *piece(std::uint64_t bytes) {
        if (next == nullptr || bytes > room) {
            add_room(bytes + 1);
        }
        unsigned char *const piece = next;
        next += bytes;
        room -= bytes;
        return piece;
    }
};

// One load for each aligned word: others may be writing, with atomic operations (shared.h).
void copy_words(unsigned char *to, const void *from, std::uint64_t bytes) noexcept {
    const auto *const words = static_cast<const std::uint64_t *>(from);
    const std::uint64_t count = bytes / sizeof *words;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t word = __atomic_load_n(words + i, __ATOMIC_ACQUIRE); // pairs with the plugin's own
        std::memcpy(to + i * sizeof word, &word, sizeof word);
    }
    for (std::uint64_t at = count * sizeof *words; at < bytes; ++at) {
        to[at] = __atomic_load_n(static_cast<const unsigned char *>(from) + at, __ATOMIC_ACQUIRE); // as above
    }
}

Status photograph_shared(const Generation &generation, std::size_t index, std::size_t place, Photo &photo) {
    const std::shared_ptr<SharedBlock> shared = generation.shared_block(index);
    if (shared == nullptr) {
        return {Code::kRefused, generation.label() + ": it has no shared block yet"};
    }
    InstanceSnapshot &copy = photo.made.instances[place];
    return or_no_memory([&]() -> Status {
        unsigned char *const piece = photo.piece(shared->bytes());
        copy_words(piece, shared->data(), shared->bytes());
        copy.block_bytes = shared->bytes();
        copy.align = Ledger::block_align(shared->data());
        copy.block = piece;
        // This one and the instance's: any more are of generations that a pin or a rollback may still call.
        photo.made.is_at_rest = photo.made.is_at_rest && shared.use_count() <= 2;
        return {};
    });
}

Status photograph_block(Generation &generation, std::size_t index, std::size_t place, Photo &photo) {
    Block block;
    if (Status status = generation.surrender(index, &block); !status.is_ok()) {
        return status;
    }
    InstanceSnapshot &copy = photo.made.instances[place];
    const Status copied = or_no_memory([&]() -> Status {
        copy.block_bytes = block.bytes;
        copy.align = Ledger::block_align(block.data);
        if (photo.walk != nullptr) {
            std::vector<ImageLink> links; // the walk finds them again where they are wanted
            Status status =
                make_image(*photo.walk, block.data, block.bytes, CopyProgram::kStateBytesMax, &copy.image, &links);
            copy.block = status.is_ok() ? copy.image.front().data() : nullptr;
            return status;
        }
        unsigned char *const piece = photo.piece(block.bytes);
        std::memcpy(piece, block.data, block.bytes);
        copy.block = piece;
        return {};
    });
    Status taken = generation.give_back(index, block, photo.walk); // whatever came of the copy
    return copied.is_ok() ? taken : copied;
}

Status photograph(Generation &generation, std::size_t index, std::size_t place, Photo &photo) {
    if (is_rest_given_up(index)) {
        return {Code::kAbandoned, "given up"};
    }
    if (generation.can_save()) {
        if (Status status = generation.save(index, &photo.made.instances[place].saved); !status.is_ok()) {
            return status;
        }
        photo.made.instances[place].has_saved = true;
    }
    if (is_rest_given_up(index)) {
        return {Code::kAbandoned, "given up"};
    }
    if (generation.can_share()) {
        return photograph_shared(generation, index, place, photo);
    }
    return generation.can_hand_over() ? photograph_block(generation, index, place, photo) : Status();
}

std::uint64_t room_for(const Generation &generation) {
    std::uint64_t bytes = generation.live_bytes() + 1; // its blocks are among those; a shared one may be another's
    for (std::size_t index = 0; generation.can_share() && index < generation.instance_count(); ++index) {
        const std::shared_ptr<SharedBlock> shared = generation.shared_block(index);
        bytes += shared != nullptr ? shared->bytes() + 1 : 0;
    }
    return bytes;
}

// Runs nothing of the plugin's.
Status photograph_beside(const Generation &generation, Photo &photo) {
    photo.made.is_at_rest = false;
    for (std::size_t index = 0; index < photo.made.instances.size(); ++index) {
        if (Status status = photograph_shared(generation, index, index, photo); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

} // namespace

Status snapshot_state(const RestWish &wish, std::shared_ptr<const CopyProgram> walk,
                      std::shared_ptr<StateSnapshot> *out, std::int64_t *pause_ns) {
    const Generation &generation = *wish.generation;
    if (!generation.can_save() && !generation.can_hand_over() && !generation.can_share()) {
        return {Code::kRefused, "it offers neither save nor hand over"};
    }
    const auto photo = std::make_shared<Photo>();
    photo->made.instances.resize(wish.sessions.empty() ? generation.instance_count() : wish.sessions.size());
    photo->walk = std::move(walk);
    if ((generation.can_hand_over() || generation.can_share()) && photo->walk == nullptr) {
        photo->add_room(room_for(generation));
    }
    Status status = at_rest(
        wish,
        [photo, sessions = wish.sessions](Generation &resting) {
            for (std::size_t place = 0; place < photo->made.instances.size(); ++place) {
                const std::size_t index = sessions.empty() ? place : sessions[place];
                if (Status one = photograph(resting, index, place, *photo); !one.is_ok()) {
                    return one;
                }
            }
            return Status();
        },
        pause_ns);
    if (status.code() == Code::kBusy && generation.can_share() && generation.pins() != 0) {
        status = photograph_beside(generation, *photo);
    }
    if (status.is_ok()) {
        *out = std::make_shared<StateSnapshot>(std::move(photo->made));
    }
    return status;
}

} // namespace hotgraft
