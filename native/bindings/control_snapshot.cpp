// Snapshots: a copy of the live state to write to disk, and state from there for instances that have not started.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control.hpp"
#include "control_held.hpp"
#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "layout.hpp"
#include "layout_pointed.hpp"
#include "state_copy.hpp"
#include "state_snapshot.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

constexpr std::size_t kPointersTold = 4;

// Bytes of a snapshot, as a buffer: written from here to disk, and copied no more.
struct SnapshotPiece {
    std::shared_ptr<const StateSnapshot> snapshot; // whose memory it is
    const unsigned char *begin = nullptr;
    std::uint64_t bytes = 0;
};

py::object piece_of(SnapshotPiece piece) {
    return held(std::make_unique<SnapshotPiece>(std::move(piece)));
}

// MessagePack, one map, in as many pieces as save made of it.
py::list pieces_of(const std::shared_ptr<const StateSnapshot> &snapshot, const ByteChunks &written) {
    py::list pieces;
    for (std::size_t index = 0; index < written.count(); ++index) {
        const ByteChunks::Chunk chunk = written.chunk(index);
        pieces.append(piece_of({snapshot, chunk.begin, static_cast<std::uint64_t>(chunk.end - chunk.begin)}));
    }
    return pieces;
}

// (block, alignment, what in it leads into the library that made it, the offset of a word that leads elsewhere, and the
// blocks that it leads to).
py::tuple block_of(const Library *library, const std::shared_ptr<const StateSnapshot> &snapshot, std::size_t index) {
    const InstanceSnapshot &copy = snapshot->instances[index];
    std::vector<BlockPointer> pointers;
    BlockPointer elsewhere;
    bool leads_elsewhere = false;
    {
        const py::gil_scoped_release unlocked;
        pointers = find_pointers_into(*library, copy.block, copy.block_bytes, kPointersTold);
        leads_elsewhere = find_pointer(copy.block, copy.block_bytes, &elsewhere);
        for (std::size_t i = 1; i < copy.image.size() && pointers.empty(); ++i) {
            pointers = find_pointers_into(*library, copy.image[i].data(), copy.image[i].size(), kPointersTold);
        }
    }
    py::list pointed;
    for (std::size_t i = 1; i < copy.image.size(); ++i) {
        pointed.append(piece_of({snapshot, copy.image[i].data(), copy.image[i].size()}));
    }
    py::list into;
    for (const BlockPointer &pointer : pointers) {
        into.append(py::make_tuple(pointer.offset, pointer.target));
    }
    return py::make_tuple(piece_of({snapshot, copy.block, copy.block_bytes}), copy.align, into,
                          leads_elsewhere ? py::object(py::int_(elsewhere.offset)) : py::none(), pointed);
}

// By instance, or by session where some are named (pieces of its values or None, block as above or None); the pause in
// microseconds; and whether nobody could write to the blocks meanwhile.
py::tuple take_snapshot(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                        double rest_s, double deadline_s, const std::shared_ptr<CopyProgram> &walk,
                        const std::vector<std::size_t> &sessions) {
    std::shared_ptr<StateSnapshot> made;
    std::int64_t pause_ns = 0;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        const RestWish wish{generation, slots, "save or surrender", deadline_in(rest_s), deadline_in(deadline_s),
                            sessions};
        status = or_no_memory([&] { return snapshot_state(wish, walk, &made, &pause_ns); });
    }
    check(status, {"copy its state", generation->label(), "StateError", "DrainTimeout", "save or surrender"});
    py::list instances;
    for (std::size_t index = 0; index < made->instances.size(); ++index) {
        const InstanceSnapshot &one = made->instances[index];
        instances.append(py::make_tuple(one.has_saved ? py::object(pieces_of(made, one.saved.written())) : py::none(),
                                        one.block != nullptr ? py::object(block_of(generation->library(), made, index))
                                                             : py::none()));
    }
    return py::make_tuple(instances, static_cast<double>(pause_ns) / 1'000, made->is_at_rest);
}

// --- the way back ---

// A block of host memory that no instance has yet. Freed with this object, unless one takes it.
class NewBlock {
public:
    NewBlock(std::shared_ptr<Generation> generation, std::uint64_t bytes, std::uint64_t align)
        : generation_(std::move(generation)),
          block_(generation_->make_block(bytes, std::max(align, generation_->shared_align()))) {}
    // Of an image that was checked: what it leads to goes with it.
    NewBlock(std::shared_ptr<Generation> generation, const PlacedImage &placed, std::uint64_t bytes)
        : generation_(std::move(generation)), block_{placed.blocks().front(), bytes, generation_->layout_id()},
          pointed_(placed.blocks().begin() + 1, placed.blocks().end()) {}
    ~NewBlock() { free(block_, pointed_); }
    NewBlock(const NewBlock &) = delete;
    NewBlock &operator=(const NewBlock &) = delete;

    [[nodiscard]] const std::shared_ptr<Generation> &generation() const noexcept { return generation_; }
    [[nodiscard]] const Block &block() const noexcept { return block_; }
    [[nodiscard]] Block release() noexcept { return std::exchange(block_, {}); }
    [[nodiscard]] std::vector<void *> release_pointed() noexcept { return std::exchange(pointed_, {}); }
    static void free(const Block &block, const std::vector<void *> &pointed) noexcept {
        Ledger::free_block(block.data);
        for (void *const one : pointed) {
            Ledger::free_block(one);
        }
    }

private:
    std::shared_ptr<Generation> generation_;
    Block block_;
    std::vector<void *> pointed_;
};

std::unique_ptr<NewBlock> make_block(std::shared_ptr<Generation> generation, std::uint64_t bytes, std::uint64_t align) {
    auto made = std::make_unique<NewBlock>(std::move(generation), bytes, align);
    if (made->block().data == nullptr) {
        check({Code::kNoMemory, "no memory for a state of " + std::to_string(bytes) + " bytes"},
              {"make room for its state", made->generation()->label()});
    }
    return made;
}

// The state's own block first, then those that it leads to, pointers as numbers; whatever lies is refused.
std::unique_ptr<NewBlock> place_image(std::shared_ptr<Generation> generation, const std::vector<py::buffer> &blocks,
                                      const CopyProgram &walk) {
    StateImage image;
    for (const py::buffer &one : blocks) {
        const py::buffer_info given = one.request();
        const auto *const data = static_cast<const unsigned char *>(given.ptr);
        image.emplace_back(data, data + given.size * given.itemsize);
    }
    PlacedImage placed;
    {
        const py::gil_scoped_release unlocked;
        std::vector<ImageLink> links;
        Status status = or_no_memory([&] { return links_of(walk, image, &links); });
        if (status.is_ok()) {
            status = or_no_memory([&] { return placed.place(image, links, generation->ledger()); });
        }
        const py::gil_scoped_acquire locked;
        check(status, {"read the blocks of its state", generation->label(), "StateError"});
    }
    auto made = std::make_unique<NewBlock>(std::move(generation), placed, image.front().size());
    placed.let_go();
    return made;
}

// Plugin code: on a control thread that is left behind where it does not return.
void run_on_control(const std::shared_ptr<Generation> &generation, const char *function, double deadline_s,
                    std::function<Status()> work) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        ControlThread control;
        status = control.run(function, std::move(work), deadline_in(deadline_s));
        if (status.code() == Code::kAbandoned) {
            generation->mark_abandoned(function);
        }
    }
    const std::string tried = "run its " + std::string(function);
    check(status, {tried.c_str(), generation->label(), "StateError", "SwapTimeout", function});
}

// Until take says that it has it, the block is the holder's; for good, where take does not return.
void give_block(NewBlock &given, std::size_t index, double deadline_s) {
    const std::shared_ptr<Generation> generation = given.generation();
    const Block block = given.release();
    const std::vector<void *> pointed = given.release_pointed();
    try {
        run_on_control(generation, "take", deadline_s,
                       [generation, index, block] { return generation->take(index, block); });
    } catch (...) {
        if (!generation->is_abandoned()) {
            NewBlock::free(block, pointed);
        }
        throw;
    }
}

// Let an instance that has not started share it; from then on it is the host's, freed with the last that has it.
void share_block(NewBlock &given, std::size_t index, double deadline_s) {
    const std::shared_ptr<Generation> generation = given.generation();
    const Block block = given.release();
    std::shared_ptr<SharedBlock> shared;
    try {
        shared = std::make_shared<SharedBlock>(block.data, block.bytes);
    } catch (...) {
        Ledger::free_block(block.data);
        throw;
    }
    run_on_control(generation, "attach", deadline_s,
                   [generation, index, shared] { return generation->attach(index, shared); });
}

// MessagePack, as it was saved: whatever else it is is refused, at the byte where it is.
void give_values(const std::shared_ptr<Generation> &generation, std::size_t index, std::uint32_t schema,
                 const py::buffer &values, double deadline_s) {
    const auto saved = std::make_shared<KeyedState>();
    const py::buffer_info given = values.request();
    check(saved->read(given.ptr, static_cast<std::uint64_t>(given.size * given.itemsize)),
          {"read its saved values", generation->label(), "StateError"});
    run_on_control(generation, "restore", deadline_s,
                   [generation, index, schema, saved] { return generation->restore(index, schema, *saved); });
}

} // namespace

void add_snapshot(py::module_ &module) {
    py::class_<SnapshotPiece>(module, "SnapshotPiece", py::buffer_protocol()).def_buffer([](const SnapshotPiece &it) {
        return py::buffer_info(it.begin, static_cast<py::ssize_t>(it.bytes));
    });
    py::class_<NewBlock>(module, "NewBlock", py::buffer_protocol())
        .def_static(
            "make",
            [](std::shared_ptr<Generation> generation, std::uint64_t bytes, std::uint64_t align) {
                return held(make_block(std::move(generation), bytes, align));
            },
            py::arg("generation"), py::arg("size"), py::arg("align"))
        .def_static(
            "place",
            [](std::shared_ptr<Generation> generation, const std::vector<py::buffer> &blocks,
               const std::shared_ptr<CopyProgram> &walk) {
                return held(place_image(std::move(generation), blocks, *walk));
            },
            py::arg("generation"), py::arg("blocks"), py::arg("walk"))
        .def_buffer([](NewBlock &it) {
            return py::buffer_info(static_cast<unsigned char *>(it.block().data),
                                   static_cast<py::ssize_t>(it.block().bytes));
        })
        .def("give", &give_block, py::arg("index"), py::arg("deadline_s"))
        .def("share", &share_block, py::arg("index"), py::arg("deadline_s"))
        // For a held generation whose own block was handed over: it is taken when a rollback gives it no other.
        .def(
            "keep",
            [](NewBlock &it, std::size_t index) {
                it.generation()->keep_block(index, it.release(), it.release_pointed());
            },
            py::arg("index"));
    module.def("take_snapshot", &take_snapshot, py::arg("generation"), py::arg("slots"), py::arg("rest_s"),
               py::arg("deadline_s"), py::arg("walk"), py::arg("sessions") = std::vector<std::size_t>());
    module.def("give_values", &give_values, py::arg("generation"), py::arg("index"), py::arg("schema"),
               py::arg("values"), py::arg("deadline_s"));
}

} // namespace hotgraft
