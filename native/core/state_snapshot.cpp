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

Status photograph_block(Generation &generation, std::size_t index, Photo &photo) {
    Block block;
    if (Status status = generation.surrender(index, &block); !status.is_ok()) {
        return status;
    }
    InstanceSnapshot &copy = photo.made.instances[index];
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
    Status taken = generation.give_back(index, block); // whatever came of the copy
    return copied.is_ok() ? taken : copied;
}

Status photograph(Generation &generation, std::size_t index, Photo &photo) {
    if (is_rest_given_up()) {
        return {Code::kAbandoned, "given up"};
    }
    if (generation.can_save()) {
        if (Status status = generation.save(index, &photo.made.instances[index].saved); !status.is_ok()) {
            return status;
        }
    }
    if (is_rest_given_up()) {
        return {Code::kAbandoned, "given up"};
    }
    return generation.can_hand_over() ? photograph_block(generation, index, photo) : Status();
}

} // namespace

Status snapshot_state(const RestWish &wish, std::shared_ptr<const CopyProgram> walk,
                      std::shared_ptr<StateSnapshot> *out, std::int64_t *pause_ns) {
    if (!wish.generation->can_save() && !wish.generation->can_hand_over()) {
        return {Code::kRefused, "it offers neither save nor hand over"};
    }
    const auto photo = std::make_shared<Photo>();
    photo->made.instances.resize(wish.generation->instance_count());
    photo->walk = std::move(walk);
    if (wish.generation->can_hand_over() && photo->walk == nullptr) {
        photo->add_room(wish.generation->live_bytes() + 1); // its blocks are among those
    }
    Status status = at_rest(
        wish,
        [photo](Generation &generation) {
            for (std::size_t index = 0; index < photo->made.instances.size(); ++index) {
                if (Status one = photograph(generation, index, *photo); !one.is_ok()) {
                    return one;
                }
            }
            return Status();
        },
        pause_ns);
    if (status.is_ok()) {
        *out = std::make_shared<StateSnapshot>(std::move(photo->made));
    }
    return status;
}

} // namespace hotgraft
