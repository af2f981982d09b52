// Generation: one loaded version, its facts and what holds it; and the steps before any of its code runs.
#include <algorithm>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_held.hpp"
#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "guard.hpp"
#include "prepare.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

using GenerationPtr = std::shared_ptr<Generation>;

void settle_file(const std::string &path, double deadline_s, double still_s) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = settle(path, deadline_in(deadline_s), nanoseconds_of(still_s));
    }
    check(status, {"take the image", path, "ImageError", "ImageError"});
}

py::object stage_image(const std::string &source, const std::string &folder, const std::string &plugin,
                       std::uint64_t number) {
    GenerationPtr generation;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = or_no_memory([&] { return Generation::make({source, folder, plugin, number}, &generation); });
    }
    check(status, {"take the image", source, "ImageError"});
    return held(generation);
}

// The descriptor of a file that is not going to be loaded: for a dry run.
py::bytes read_descriptor(const std::string &path) {
    ImageFacts facts;
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = inspect_image_file(path.c_str(), &facts);
    }
    check(status, {"inspect the image", path, "ImageError"});
    if (!facts.descriptor) {
        check({Code::kRefused, "it embeds no descriptor (section .note.hotgraft): `hotgraft bind` writes one"},
              {"inspect the image", path, "ImageError"});
    }
    return make_bytes(facts.bytes + facts.descriptor->offset, facts.descriptor->bytes);
}

void meet_needs(const Generation &generation) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = or_no_memory([&] { return check_image_needs(generation); });
    }
    // By the file, which its reader looks for; which generation it would have been stands in the report.
    check(status, {"accept the image", generation.source(), "ImageError"});
}

void advance(Generation &generation, const std::string &event) {
    for (std::size_t i = 0; i < kEventCount; ++i) {
        if (event == name_of(static_cast<Event>(i))) {
            check(generation.advance(static_cast<Event>(i)), {"go on with it", generation.label()});
            return;
        }
    }
    throw py::value_error("no such event: " + event);
}

void mark_active(const GenerationPtr &generation) {
    const py::gil_scoped_release unlocked;
    generation->mark_active();
    tell_missed(generation);
}

void reject(Generation &generation) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = generation.reject();
    }
    check(status, {"remove the staged copy", generation.label()});
}

// Let go of a candidate, whatever it has come to: its file goes, its library is on its way out of memory.
void drop(const GenerationPtr &generation) {
    const py::gil_scoped_release unlocked;
    drop_candidate({generation, {}});
}

py::list imports_of(const Generation &generation) {
    py::list needs;
    for (const ImportNeed &need : generation.imports()) {
        needs.append(py::make_tuple(need.id, need.range, need.is_optional));
    }
    return needs;
}

// One counted hold, given up with the object at the latest: an exception that Python raises between counting and
// whatever was to remember the hold would leave a pin that nobody can end.
class HeldPin {
public:
    explicit HeldPin(GenerationPtr generation) : generation_(std::move(generation)) {}
    ~HeldPin() { let_go(); }
    HeldPin(const HeldPin &) = delete;
    HeldPin &operator=(const HeldPin &) = delete;

    [[nodiscard]] Status hold(const std::string &who) { return generation_->pin_book().add(who, &number_); }

    void let_go() noexcept {
        // In a forked child the hold is the parent's, and its lock may have been taken as the child was made.
        if (generation_ != nullptr && !Guards::instance().is_forked_child()) {
            (void)generation_->pin_book().remove(number_);
            generation_.reset();
        }
    }

private:
    GenerationPtr generation_;
    std::uint64_t number_ = 0; // no pin's
};

// The object before its hold: what is held and belongs to nobody stays for ever.
py::object add_pin(const GenerationPtr &generation, const std::string &who) {
    auto pin = std::make_unique<HeldPin>(generation);
    check(pin->hold(who), {"pin it", generation->label()});
    return held(std::move(pin));
}

py::list leases_of(const Generation &generation) {
    py::list reasons;
    for (const Lease &lease : generation.leases()) {
        reasons.append(lease.why);
    }
    return reasons;
}

// Who holds something of it, as its author said; each once.
std::vector<std::string> leased_to(const Generation &generation) {
    std::vector<std::string> holders;
    for (const Lease &lease : generation.leases()) {
        if (!lease.holder.empty() && std::find(holders.begin(), holders.end(), lease.holder) == holders.end()) {
            holders.push_back(lease.holder);
        }
    }
    return holders;
}

} // namespace

void add_generation(py::module_ &module) {
    module.def("settle", &settle_file, py::arg("path"), py::arg("deadline_s"), py::arg("still_s") = 0.05);
    module.def("stage", &stage_image, py::arg("source"), py::arg("folder"), py::arg("plugin"), py::arg("number"));
    module.def("read_descriptor", &read_descriptor, py::arg("path"));

    py::class_<HeldPin>(module, "HeldPin").def("let_go", &HeldPin::let_go);

    py::class_<Generation, GenerationPtr>(module, "Generation")
        .def_property_readonly("number", &Generation::number)
        .def_property_readonly("plugin", &Generation::plugin)
        .def_property_readonly("label", &Generation::label)
        .def_property_readonly("stage", [](const Generation &it) { return name_of(it.stage()); })
        .def_property_readonly("path", [](const Generation &it) { return it.staged().path; })
        .def_property_readonly("sha256", [](const Generation &it) { return hex_of(it.staged().sha256); })
        .def_property_readonly("image_bytes", [](const Generation &it) { return it.staged().bytes; })
        .def_property_readonly("descriptor",
                               [](const Generation &it) {
                                   const std::string_view text = it.descriptor();
                                   return make_bytes(text.data(), text.size());
                               })
        .def_property_readonly("is_abandoned", &Generation::is_abandoned)
        .def_property_readonly("out_of_service", &Generation::out_of_service)
        .def_property_readonly("state_schema", &Generation::state_schema)
        .def_property_readonly("layout_id", &Generation::layout_id)
        .def_property_readonly("can_save", &Generation::can_save)
        .def_property_readonly("can_share", &Generation::can_share)
        .def_property_readonly("can_make_sessions", &Generation::can_make_sessions)
        .def_property_readonly("sessions", &Generation::session_count)
        .def_property_readonly("converters",
                               [](const Generation &it) {
                                   std::vector<std::pair<std::uint32_t, std::uint32_t>> steps;
                                   for (const ConverterRow &row : it.converters()) {
                                       steps.emplace_back(row.from_schema, row.to_schema);
                                   }
                                   return steps;
                               })
        .def_property_readonly("can_hand_over", &Generation::can_hand_over)
        .def_property_readonly("instances", &Generation::instance_names)
        .def_property_readonly("pins", &Generation::pins)
        .def_property_readonly("leases", &leases_of)
        .def_property_readonly("leased_to", &leased_to)
        .def_property_readonly("live_bytes", &Generation::live_bytes)
        .def("note_version", &Generation::note_version, py::arg("version"))
        .def("check_needs", &meet_needs)
        .def("advance", &advance, py::arg("event"))
        .def("mark_active", &mark_active)
        .def("reject", &reject)
        .def("drop", &drop)
        .def("imports", &imports_of)
        .def("add_pin", &add_pin, py::arg("who"))
        .def("stop_pins", &Generation::stop_pins)
        .def("allow_pins", &Generation::allow_pins)
        .def("pin_holders", &Generation::pin_holders);
}

} // namespace hotgraft
