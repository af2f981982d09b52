// run_swap: the native gated window, and the record of what it did.
#include <string>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_held.hpp"
#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "gate.hpp"
#include "layout_block.hpp"
#include "reclaim.hpp"
#include "swap.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

StateWay way_of(const std::string &name) {
    if (name == "fresh") {
        return StateWay::kNone;
    }
    if (name == "hand over") {
        return StateWay::kHandOver;
    }
    if (name == "convert") {
        return StateWay::kConvert;
    }
    if (name == "converters") {
        return StateWay::kConverters;
    }
    if (name == "restore") {
        return StateWay::kSaveRestore;
    }
    if (name == "share") {
        return StateWay::kShare;
    }
    if (name == "convert shared") {
        return StateWay::kConvertShared;
    }
    throw py::value_error("no such way for state to cross: " + name);
}

PinRule rule_of(const std::string &name) {
    if (name == "any") {
        return PinRule::kAny;
    }
    if (name == "wait") {
        return PinRule::kWait;
    }
    if (name == "move") {
        return PinRule::kMove;
    }
    if (name == "leave") {
        return PinRule::kLeave;
    }
    throw py::value_error("no such rule for pins: " + name);
}

// One plugin of the set: old and next generation, (old index, next index) of each instance, the tables to publish.
struct Member {
    std::shared_ptr<Generation> old_generation;
    std::shared_ptr<Generation> next;
    std::vector<std::pair<std::size_t, std::size_t>> instances;
    std::vector<OwnedTable> tables;
    std::string way;
    PinRule pins = PinRule::kAny;
    std::size_t moved_pins = 0;
    bool is_recalled = false; // next is held
    bool resumes = false;     // its instances served before; else they are fresh ones
    bool leaves_undrained = false;
    bool leaves_unquiesced = false;
    bool leaves_at_deadline = false;
    std::vector<std::shared_ptr<Slot>> emptied;
    std::vector<LateImport> late_imports;
    std::vector<std::pair<std::size_t, std::size_t>> sessions; // old index, next index
    std::string session_way = "fresh";
    std::uint64_t session_bytes = 0; // of one, where it is to be converted
    std::shared_ptr<const BlockConversion> conversion;
    std::vector<std::uint64_t> expected_bytes; // by instance, in their order
    std::shared_ptr<const StateConverters> converters;
    std::vector<std::vector<std::uint64_t>> expected_pointed;
    std::shared_ptr<const CopyProgram> walk;

    bool keeps_copies = false; // of blocks that are handed over

    [[nodiscard]] SwapMember request() const {
        SwapMember member;
        member.old_generation = old_generation;
        member.next = next;
        member.pins = pins;
        member.moved_pins = moved_pins;
        member.is_recalled = is_recalled;
        member.leaves_undrained = leaves_undrained;
        member.leaves_unquiesced = leaves_unquiesced;
        member.leaves_at_deadline = leaves_at_deadline;
        member.emptied = emptied;
        member.late_imports = late_imports;
        for (std::size_t i = 0; i < instances.size(); ++i) {
            const auto &[old_index, next_index] = instances[i];
            const std::uint64_t expected = i < expected_bytes.size() ? expected_bytes[i] : 0;
            member.instances.push_back({old_index, next_index, way_of(way), resumes, conversion, expected});
            member.instances.back().converters = converters;
            member.instances.back().walk = walk;
            if (i < expected_pointed.size()) {
                member.instances.back().expected_pointed = expected_pointed[i];
            }
        }
        for (const auto &[old_index, next_index] : sessions) {
            member.instances.push_back({old_index, next_index, way_of(session_way), false, conversion, session_bytes});
            member.instances.back().converters = converters;
            member.instances.back().walk = walk;
            member.instances.back().is_session = true;
        }
        for (InstanceMove &move : member.instances) {
            move.keeps_copy = keeps_copies;
        }
        for (const OwnedTable &table : tables) {
            member.slots.push_back({table.slot, table.table});
        }
        return member;
    }
};

SwapRecord carry_out(const std::vector<Member> &members, double deadline_s, double undo_budget_s) {
    SwapRequest request;
    for (const Member &member : members) {
        request.members.push_back(member.request());
    }
    request.undo_budget_ns = nanoseconds_of(undo_budget_s);
    const py::gil_scoped_release unlocked;
    request.deadline_ns = deadline_in(deadline_s);
    return run_swap(request);
}

// (class of hotgraft.core.errors, sentence), or None.
py::object failure_of(const Status &status, const char *timed_out) {
    if (status.is_ok()) {
        return py::none();
    }
    return py::make_tuple(error_class_of(status, {"", "", "StateError", timed_out, ""}), status.message());
}

py::list steps_of(const SwapRecord &record) {
    py::list steps;
    for (const StepRecord &step : record.steps) {
        steps.append(py::make_tuple(step_name(step.kind), step.member, step.instance, step.begin_ns, step.end_ns,
                                    step.status.is_ok() ? "" : step.status.message()));
    }
    return steps;
}

// The end of a plugin: callers are turned away, then it is retired. On failure it serves on.
// Nobody comes in any more, and who was inside has left; what serves is as it was. On failure all of them are open.
void empty_slots(const std::string &label, const std::vector<std::shared_ptr<Slot>> &slots, double deadline_s) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        std::vector<Slot *> words;
        words.reserve(slots.size());
        for (const std::shared_ptr<Slot> &slot : slots) {
            words.push_back(slot.get());
        }
        GateSet gates(words);
        status = gates.close();
        if (status.is_ok()) {
            status = gates.drain(deadline_in(deadline_s));
        }
        if (status.is_ok()) {
            status = gates.publish(std::vector<const hotgraft_table *>(slots.size(), nullptr));
        }
    }
    check(status, {"close it", label, "LoadError", "DrainTimeout"});
}

void close_plugin(const std::shared_ptr<Generation> &generation, const std::vector<std::shared_ptr<Slot>> &slots,
                  double deadline_s) {
    Status status;
    {
        const py::gil_scoped_release unlocked;
        std::vector<Slot *> words;
        words.reserve(slots.size());
        for (const std::shared_ptr<Slot> &slot : slots) {
            words.push_back(slot.get());
        }
        GateSet gates(words);
        status = gates.close();
        if (status.is_ok()) {
            status = gates.drain(deadline_in(deadline_s));
        }
        if (status.is_ok()) {
            status = gates.publish(std::vector<const hotgraft_table *>(slots.size(), nullptr));
            generation->mark_held();
        }
        if (status.is_ok()) {
            status = Reaper::instance().retire(generation);
        }
    }
    check(status, {"close it", generation->label(), "LoadError", "DrainTimeout"});
}

// Waiting for somebody else's call or pin is what a drain is; the rest of the window is the plugins' own time.
const char *timed_out_class(const SwapRecord &record) {
    for (const StepRecord &step : record.steps) {
        if (!step.status.is_ok()) {
            return step.kind == StepKind::kWaitForPins || step.kind == StepKind::kMovePins ||
                           step.kind == StepKind::kDrain
                       ? "DrainTimeout"
                       : "SwapTimeout";
        }
    }
    return "SwapTimeout";
}

} // namespace

void add_swap(py::module_ &module) {
    py::class_<Member>(module, "Member")
        .def_static(
            "make",
            [](std::shared_ptr<Generation> old_generation, std::shared_ptr<Generation> next,
               std::vector<std::pair<std::size_t, std::size_t>> instances, std::vector<OwnedTable> tables,
               std::string way, const std::string &pins) {
                Member member;
                member.old_generation = std::move(old_generation);
                member.next = std::move(next);
                member.instances = std::move(instances);
                member.tables = std::move(tables);
                member.way = std::move(way);
                member.pins = rule_of(pins);
                return held(std::make_unique<Member>(std::move(member)));
            },
            py::kw_only(), py::arg("old_generation"), py::arg("next_generation"), py::arg("instances"),
            py::arg("tables"), py::arg("way"), py::arg("pins"))
        // The candidate writes to a block before it serves: a copy goes back if the swap is called off.
        .def("keeps_copies", [](Member &it) { it.keeps_copies = true; })
        // Only where no state crosses: whoever is inside at the drain's deadline is left there.
        .def("leaves_at_deadline", [](Member &it) { it.leaves_at_deadline = true; })
        // An import of another generation, which was bound to nobody: bound with the publish.
        .def(
            "binds",
            [](Member &it, std::shared_ptr<Generation> generation, std::string interface, std::shared_ptr<Slot> slot) {
                it.late_imports.push_back({std::move(generation), std::move(interface), std::move(slot)});
            },
            py::arg("generation"), py::arg("interface"), py::arg("slot"))
        // Slots of interfaces that the next generation does not have: they hold no table then.
        .def(
            "empties",
            [](Member &it, const std::vector<std::shared_ptr<Slot>> &slots) {
                it.emptied.insert(it.emptied.end(), slots.begin(), slots.end());
            },
            py::arg("slots"))
        // Its slots and tables, and the slots that it empties, are those of so many pins as well (rule "move").
        .def(
            "moves_pins",
            [](Member &it, std::size_t count, const std::vector<std::pair<std::shared_ptr<Slot>, OwnedTable>> &moved,
               const std::vector<std::shared_ptr<Slot>> &emptied) {
                it.moved_pins = count;
                for (const auto &[slot, table] : moved) {
                    it.tables.push_back({table.generation, slot, table.table});
                }
                it.emptied.insert(it.emptied.end(), emptied.begin(), emptied.end());
            },
            py::arg("count"), py::arg("moved"), py::arg("emptied"))
        // Its sessions follow the instances in the steps' numbers; their slots and tables are among the member's.
        .def(
            "moves_sessions",
            [](Member &it, std::vector<std::pair<std::size_t, std::size_t>> sessions, std::string way,
               std::uint64_t expected_bytes, const std::vector<OwnedTable> &tables,
               const std::vector<std::shared_ptr<Slot>> &emptied) {
                it.sessions = std::move(sessions);
                it.session_way = std::move(way);
                it.session_bytes = expected_bytes;
                it.tables.insert(it.tables.end(), tables.begin(), tables.end());
                it.emptied.insert(it.emptied.end(), emptied.begin(), emptied.end());
            },
            py::arg("sessions"), py::kw_only(), py::arg("way"), py::arg("expected_bytes"), py::arg("tables"),
            py::arg("emptied"))
        // How the blocks of its instances become ones of the candidate's layout; for so many bytes of each (0: as many
        // as can be known) there will be room before the gates close, and for blocks that they will lead to.
        .def(
            "converts",
            [](Member &it, const std::shared_ptr<CopyProgram> &program, std::vector<std::uint64_t> expected_bytes,
               std::vector<std::vector<std::uint64_t>> expected_pointed, std::shared_ptr<CopyProgram> old_walk,
               std::shared_ptr<CopyProgram> next_walk) {
                expected_bytes.resize(it.instances.size());
                for (std::size_t i = 0; i < expected_bytes.size(); ++i) {
                    expected_bytes[i] = expected_bytes[i] != 0
                                            ? expected_bytes[i]
                                            : likely_state_bytes(*it.old_generation, it.instances[i].first, *program);
                }
                it.conversion = conversion_by(program, std::move(old_walk), std::move(next_walk));
                it.expected_bytes = std::move(expected_bytes);
                it.expected_pointed = std::move(expected_pointed);
            },
            py::arg("program"), py::arg("expected_bytes"), py::kw_only(),
            py::arg("expected_pointed") = std::vector<std::vector<std::uint64_t>>(), py::arg("old_walk") = nullptr,
            py::arg("next_walk") = nullptr)
        // What blocks that are handed over lead to is found by it, and billed with them.
        .def("walks", [](Member &it, std::shared_ptr<CopyProgram> walk) { it.walk = std::move(walk); })
        // The author's converters, for the way of that name.
        .def("runs_converters",
             [](Member &it, std::shared_ptr<StateConverters> converters) { it.converters = std::move(converters); })
        // A rollback: the held generation serves again. `emptied`: slots of interfaces that it does not have.
        // `leaves_undrained`, `leaves_unquiesced`: nothing is taken from what serves.
        .def(
            "recalls",
            [](Member &it, bool resumes, bool leaves_undrained, bool leaves_unquiesced,
               const std::vector<std::shared_ptr<Slot>> &emptied) {
                it.is_recalled = true;
                it.resumes = resumes;
                it.leaves_undrained = leaves_undrained;
                it.leaves_unquiesced = leaves_unquiesced;
                it.emptied.insert(it.emptied.end(), emptied.begin(), emptied.end());
            },
            py::kw_only(), py::arg("resumes"), py::arg("leaves_undrained"), py::arg("leaves_unquiesced") = false,
            py::arg("emptied"));

    py::class_<SwapRecord>(module, "SwapRecord")
        .def_readonly("is_published", &SwapRecord::is_published)
        .def_property_readonly("failure",
                               [](const SwapRecord &it) { return failure_of(it.failure, timed_out_class(it)); })
        .def_property_readonly("steps", &steps_of)
        .def_readonly("gates_closed_ns", &SwapRecord::gates_closed_ns)
        .def_readonly("gates_open_ns", &SwapRecord::gates_open_ns)
        .def_readonly("inside", &SwapRecord::inside)
        .def_readonly("left_inside", &SwapRecord::left_inside)
        .def_readonly("after_undo", &SwapRecord::after_undo);

    module.def("empty_slots", &empty_slots, py::arg("label"), py::arg("slots"), py::arg("deadline_s"));
    module.def("close_plugin", &close_plugin, py::arg("generation"), py::arg("slots"), py::arg("deadline_s"));
    module.def("run_swap", &carry_out, py::arg("members"), py::kw_only(), py::arg("deadline_s"),
               py::arg("undo_budget_s") = 1.0);
}

} // namespace hotgraft
