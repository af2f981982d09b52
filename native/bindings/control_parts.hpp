// The parts of the control plane that `_core` is put together from; each adds its names to the module.
//
// Thread safety
//   Each function here is called once, at import. What they add takes any thread; whatever may take long (loading,
//   draining, waiting, a swap) lets go of the GIL first.
#ifndef HOTGRAFT_BINDINGS_CONTROL_PARTS_HPP
#define HOTGRAFT_BINDINGS_CONTROL_PARTS_HPP

#include <cstdint>
#include <memory>

#include <pybind11/pybind11.h>

#include "generation.hpp"
#include "slot.hpp"

namespace hotgraft {

void add_generation(pybind11::module_ &module); // Generation, settle, stage, read_descriptor
void add_inspect(pybind11::module_ &module);    // inspect: facts and findings of a file, for people
void add_attempt(pybind11::module_ &module);    // Attempt: what runs a plugin's control functions
void add_slot(pybind11::module_ &module);       // Slot, Table, call objects
void add_swap(pybind11::module_ &module);       // run_swap, SwapRecord
void add_state(pybind11::module_ &module);      // read_state
void add_snapshot(pybind11::module_ &module);   // take_snapshot, NewBlock, give_values
void add_layout(pybind11::module_ &module);     // CopyProgram
void add_converters(pybind11::module_ &module); // ConverterDesk, StateConverters
void add_reclaim(pybind11::module_ &module);    // retire, wait_idle, stuck
void add_log(pybind11::module_ &module);        // drain_log, set_log_wake
void add_crash(pybind11::module_ &module);      // handle_crashes, report_crashes_to, taint
void add_meter(pybind11::module_ &module);      // read_meter, set_sampling
void add_health(pybind11::module_ &module);     // check_health
void add_process(pybind11::module_ &module);    // is_forked_child, is_inside_call, transitions
void add_control_seams(pybind11::module_ &module);

// pybind11's own constructor answers "no memory" with a RuntimeError.
[[nodiscard]] inline pybind11::bytes make_bytes(const void *data, std::uint64_t bytes) {
    PyObject *const made =
        PyBytes_FromStringAndSize(static_cast<const char *>(data), static_cast<pybind11::ssize_t>(bytes));
    if (made == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::bytes>(made);
}

// One table and the generation that owns it; the host publishes it in the slot it was made for.
struct OwnedTable {
    std::shared_ptr<Generation> generation;
    std::shared_ptr<Slot> slot;
    const hotgraft_table *table = nullptr;
};

// Which generation made `table`; nullptr when it is gone. Any thread, without the GIL.
void note_table(const hotgraft_table *table, const std::shared_ptr<Generation> &generation);
void forget_table(const hotgraft_table *table) noexcept; // it is freed
[[nodiscard]] std::shared_ptr<Generation> generation_of_table(const hotgraft_table *table) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CONTROL_PARTS_HPP
