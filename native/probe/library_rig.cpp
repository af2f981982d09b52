#include "library_rig.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "control.hpp"
#include "crash_stack_posix.hpp"
#include "guard.hpp"
#include "layout_pointed.hpp"
#include "residue_posix.hpp"

namespace hotgraft {

namespace {

constexpr long kQuiesceAgainUs = 50;

const std::string &given_block(const ProbeInstance &instance, std::size_t number) {
    return number == 0 ? instance.block : instance.pointed[number - 1];
}

StateImage image_of(const ProbeInstance &instance) {
    StateImage image;
    for (std::size_t number = 0; number <= instance.pointed.size(); ++number) {
        const std::string &given = given_block(instance, number);
        image.emplace_back(given.begin(), given.end());
    }
    return image;
}

} // namespace

Slot *ProbePlaces::at(const std::string &name) {
    std::unique_ptr<Slot> &slot = slots_[name];
    if (slot == nullptr) {
        slot = std::make_unique<Slot>(name);
    }
    return slot.get();
}

Status LibraryRig::open() {
    const StagingWish named{wish_.source, "", wish_.plugin, wish_.generation};
    Status status = Generation::borrow(named, wish_.path, wish_.sha256, &generation_);
    if (status.is_ok()) {
        generation_->note_version(wish_.version);
        tables_.resize(wish_.instances.size());
        blocks_.resize(wish_.instances.size());
    }
    return status;
}

Status LibraryRig::bind_imports() {
    for (const ImportNeed &need : generation_->imports()) {
        for (const ProbeImport &import : wish_.imports) {
            if (import.id == need.id) {
                if (Status status = generation_->bind_import(need.id, places_.at(import.place)); !status.is_ok()) {
                    return status;
                }
            }
        }
    }
    return {};
}

Status LibraryRig::create(std::size_t index) {
    const ProbeInstance &instance = wish_.instances[index];
    return generation_->create_instance(instance.name, instance.config_json);
}

Status LibraryRig::make_tables(std::size_t index) {
    for (const ProbeInterface &one : wish_.instances[index].interfaces) {
        Made made{places_.at(one.place), nullptr};
        const InterfaceWish wish{one.id, one.version, one.declared_bytes, made.slot->padded_bytes()};
        if (Status status = generation_->make_table(index, wish, &made.table); !status.is_ok()) {
            return status;
        }
        tables_[index].push_back(made);
    }
    return {};
}

Status LibraryRig::give_state(std::size_t index) {
    switch (wish_.instances[index].state) {
    case ProbeState::kBlock:
        return take_block(index);
    case ProbeState::kValues:
        return restore_values(index);
    case ProbeState::kFresh:
        break;
    }
    return {};
}

// Billed to a ledger of its own, as a block that another generation surrenders is.
Status LibraryRig::take_block(std::size_t index) {
    const ProbeInstance &instance = wish_.instances[index];
    static Ledger *const surrendered = Ledger::make();
    std::vector<ImageLink> links;
    for (const ProbeLink &link : instance.links) {
        links.push_back({link.block, link.offset, link.target});
    }
    PlacedImage placed;
    if (Status status = placed.place(image_of(instance), links, surrendered); !status.is_ok()) {
        return status;
    }
    blocks_[index] = placed.blocks();
    placed.let_go();
    return generation_->take(index, {blocks_[index].front(), instance.block.size(), instance.layout_id});
}

Status LibraryRig::restore_values(std::size_t index) {
    const ProbeInstance &instance = wish_.instances[index];
    KeyedState saved;
    Status status = saved.read(instance.values.data(), instance.values.size());
    for (const auto &[from_schema, to_schema] : instance.converters) {
        KeyedState next;
        if (status.is_ok()) {
            status = generation_->convert(from_schema, to_schema, saved, &next);
        }
        saved = std::move(next);
    }
    return status.is_ok() && !instance.is_discarded ? generation_->restore(index, instance.schema, saved) : status;
}

// Through the kernel: a candidate that freed the block must be found out, not followed.
std::int64_t LibraryRig::find_written_byte(std::size_t index) const {
    const ProbeInstance &instance = wish_.instances[index];
    if (instance.may_write) {
        return -1;
    }
    const std::vector<void *> &blocks = blocks_[index];
    std::vector<ProbeLink> links = instance.links;
    std::sort(links.begin(), links.end(), [](const ProbeLink &a, const ProbeLink &b) { return a.block < b.block; });
    auto link = links.begin();
    std::int64_t before = 0;
    for (std::size_t number = 0; number < blocks.size(); ++number) {
        const std::string &given = given_block(instance, number);
        std::string now(given.size(), '\0');
        const std::size_t got =
            read_own_memory(reinterpret_cast<std::uintptr_t>(blocks[number]), now.data(), now.size());
        for (; link != links.end() && link->block == number; ++link) { // one that still leads there is as it was given
            if (std::memcmp(now.data() + link->offset, &blocks[link->target], sizeof(void *)) == 0) {
                std::memcpy(now.data() + link->offset, given.data() + link->offset, sizeof(void *));
            }
        }
        const auto end = given.begin() + static_cast<std::ptrdiff_t>(got);
        const auto differing = std::mismatch(given.begin(), end, now.begin()).first;
        if (differing != given.end()) {
            return before + (differing - given.begin());
        }
        before += static_cast<std::int64_t>(given.size());
    }
    return -1;
}

Status LibraryRig::publish(std::size_t index) {
    for (const Made &made : tables_[index]) {
        if (Status status = Guards::instance().publish_open(*made.slot, made.table); !status.is_ok()) {
            return status;
        }
    }
    return {};
}

Status LibraryRig::quiesce(std::size_t index, std::int64_t deadline_ns, bool *is_still) {
    for (;;) {
        bool is_again = false;
        Status status = generation_->quiesce(index, deadline_ns, &is_again);
        *is_still = status.is_ok() && !is_again;
        if (!status.is_ok() || !is_again || monotonic_ns() >= deadline_ns) {
            return status;
        }
        pause_us(kQuiesceAgainUs);
    }
}

Status LibraryRig::bring_up() {
    Status status = open();
    if (status.is_ok()) {
        status = generation_->map();
    }
    if (status.is_ok()) {
        status = bind_imports();
    }
    for (std::size_t i = 0; i < wish_.instances.size() && status.is_ok(); ++i) {
        status = create(i);
        if (status.is_ok()) {
            status = make_tables(i);
        }
        if (status.is_ok()) {
            status = generation_->start(i);
        }
        if (status.is_ok()) {
            status = publish(i);
        }
    }
    if (status.is_ok()) {
        generation_->mark_active();
    }
    return status;
}

} // namespace hotgraft
