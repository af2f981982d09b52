// CopyProgram: a plan of core/layout_plan.py, checked and made ready, that converts blocks.
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_held.hpp"
#include "control_parts.hpp"
#include "errors.hpp"
#include "layout.hpp"
#include "layout_pointed.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// kind, path, src, dst, count, src_stride, dst_stride, source, target, data, data_bytes
using Row = std::array<std::uint64_t, 11>;

// A number that is too large for its place becomes one that no plan may have.
template <class Narrow> Narrow narrow(std::uint64_t number) {
    constexpr std::uint64_t kMost = std::numeric_limits<Narrow>::max();
    return static_cast<Narrow>(number < kMost ? number : kMost);
}

CopyOp op_of(const Row &row) {
    CopyOp op;
    op.kind = static_cast<CopyKind>(narrow<std::uint8_t>(row[0]));
    op.path = narrow<std::uint32_t>(row[1]);
    op.src = row[2];
    op.dst = row[3];
    op.count = row[4];
    op.src_stride = row[5];
    op.dst_stride = row[6];
    op.source = static_cast<Number>(narrow<std::uint8_t>(row[7]));
    op.target = narrow<std::uint8_t>(row[8]);
    op.data = row[9];
    op.data_bytes = row[10];
    return op;
}

std::shared_ptr<CopyProgram> make_program(const std::vector<Row> &rows, const py::bytes &pool,
                                          std::vector<std::string> paths, std::uint64_t old_bytes,
                                          std::uint64_t new_bytes) {
    CopyPlan plan;
    plan.old_bytes = old_bytes;
    plan.new_bytes = new_bytes;
    plan.paths = std::move(paths);
    const auto data = static_cast<std::string_view>(pool);
    plan.pool.assign(data.begin(), data.end());
    plan.ops.reserve(rows.size());
    for (const Row &row : rows) {
        plan.ops.push_back(op_of(row));
    }
    std::shared_ptr<const CopyProgram> made;
    check(CopyProgram::make(std::move(plan), &made), {"make a copy plan ready", "", "StateError"});
    return std::const_pointer_cast<CopyProgram>(made); // pybind11 holds no pointers to const; nothing of it changes
}

// The bytes of an object that lie side by side, for as long as this lives.
class Block {
public:
    Block(const py::buffer &from, int flags) {
        if (PyObject_GetBuffer(from.ptr(), &view_, flags) != 0) {
            throw py::error_already_set();
        }
    }
    ~Block() { PyBuffer_Release(&view_); }
    Block(const Block &) = delete;
    Block &operator=(const Block &) = delete;

    [[nodiscard]] void *data() const noexcept { return view_.buf; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return static_cast<std::uint64_t>(view_.len); }

private:
    Py_buffer view_{};
};

// None, or what was refused: (sentence, path, state, offset, field, value).
py::object run_program(const CopyProgram &program, const py::buffer &old_block, const py::buffer &new_block,
                       std::uint64_t count) {
    const Block from(old_block, PyBUF_SIMPLE);
    const Block into(new_block, PyBUF_WRITABLE);
    CopyRefusal refusal;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = program.run(from.data(), from.bytes(), into.data(), into.bytes(), count, &refusal);
    }
    if (status.code() == Code::kRefused) {
        return py::make_tuple(status.message(), refusal.path, refusal.element, refusal.offset, refusal.field,
                              refusal.value);
    }
    check(status, {"convert a block", "", "StateError"});
    return py::none();
}

// --- states that lead to blocks of their own ---

StateImage image_of(const std::vector<py::bytes> &blocks) {
    StateImage image;
    for (const py::bytes &block : blocks) {
        const auto bytes = static_cast<std::string_view>(block);
        image.emplace_back(bytes.begin(), bytes.end());
    }
    return image;
}

// (block, offset, number) of each pointer of an image.
std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> tuples_of(const std::vector<ImageLink> &links) {
    std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> tuples;
    tuples.reserve(links.size());
    for (const ImageLink &link : links) {
        tuples.emplace_back(link.block, link.offset, link.target);
    }
    return tuples;
}

py::object find_links(const CopyProgram &walk, const std::vector<py::bytes> &blocks) {
    std::vector<ImageLink> links;
    check(or_no_memory([&] { return links_of(walk, image_of(blocks), &links); }),
          {"read the blocks of a state", "", "StateError"});
    return py::cast(tuples_of(links));
}

// A state of this process, converted, is an image again: it never was a plugin's.
Status convert_placed(const CopyProgram &program, const CopyProgram *old_walk, const CopyProgram *next_walk,
                      const StateImage &image, StateImage *converted) {
    std::vector<ImageLink> links;
    if (old_walk != nullptr) {
        if (Status status = links_of(*old_walk, image, &links); !status.is_ok()) {
            return status;
        }
    }
    const std::unique_ptr<Ledger, void (*)(Ledger *)> ledger(Ledger::make(), [](Ledger *it) {
        if (it != nullptr) {
            it->release();
        }
    });
    PlacedImage placed;
    if (Status status = placed.place(image, links, ledger.get()); !status.is_ok()) {
        return status;
    }
    const std::uint64_t old_bytes = image.front().size();
    const std::uint64_t count = old_bytes / program.old_bytes();
    PointedRooms rooms;
    const BlockMaker make = rooms.maker(ledger.get());
    std::vector<unsigned char> next(count * program.new_bytes());
    if (Status status =
            program.run(placed.blocks().front(), old_bytes, next.data(), next.size(), count, nullptr, &make);
        !status.is_ok()) {
        return status;
    }
    if (next_walk == nullptr) {
        *converted = {std::move(next)};
        return {};
    }
    return make_image(*next_walk, next.data(), next.size(), CopyProgram::kStateBytesMax, converted, &links);
}

// The blocks of an image, converted, and what was refused ("": nothing).
py::tuple convert_image(const CopyProgram &program, const std::shared_ptr<CopyProgram> &old_walk,
                        const std::shared_ptr<CopyProgram> &next_walk, const std::vector<py::bytes> &blocks) {
    StateImage image = image_of(blocks);
    StateImage converted;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status =
            or_no_memory([&] { return convert_placed(program, old_walk.get(), next_walk.get(), image, &converted); });
    }
    py::list made;
    if (status.code() == Code::kRefused) {
        return py::make_tuple(made, status.message());
    }
    check(status, {"convert a state", "", "StateError"});
    for (const std::vector<unsigned char> &block : converted) {
        made.append(make_bytes(block.data(), block.size()));
    }
    return py::make_tuple(made, "");
}

} // namespace

void add_layout(py::module_ &module) {
    py::class_<CopyProgram, std::shared_ptr<CopyProgram>>(module, "CopyProgram")
        .def_static(
            "make",
            [](const std::vector<Row> &rows, const py::bytes &pool, std::vector<std::string> paths,
               std::uint64_t old_bytes, std::uint64_t new_bytes) {
                return held(make_program(rows, pool, std::move(paths), old_bytes, new_bytes));
            },
            py::arg("rows"), py::arg("pool"), py::arg("paths"), py::kw_only(), py::arg("old_bytes"),
            py::arg("new_bytes"))
        .def_property_readonly("old_bytes", &CopyProgram::old_bytes)
        .def_property_readonly("new_bytes", &CopyProgram::new_bytes)
        .def("run", &run_program, py::arg("old_block"), py::arg("new_block"), py::arg("count") = 1)
        .def_property_readonly("has_blocks", &CopyProgram::has_blocks);
    module.def("links_of", &find_links, py::arg("walk"), py::arg("blocks"));
    module.def("convert_image", &convert_image, py::arg("program"), py::arg("old_walk"), py::arg("next_walk"),
               py::arg("blocks"));
}

} // namespace hotgraft
